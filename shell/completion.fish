# Completion of tm-run for fish: for /usr/share/fish/vendor_completions.d/tm-run.fish, and part of
# `tm-run init fish`.

function __tm_run_complete -d 'Print what may stand at the cursor'
    set -l words (commandline -opc)
    set -l found (command tm-run __complete fish $words (commandline -ct) 2>/dev/null)
    string join \n -- $found[2..]
    switch "$found[1]"
        case files
            set -l option (string match -r '^--[^=]*=' -- (commandline -ct))
            string join \n -- "$option"(__fish_complete_path (string replace -- "$option" '' (commandline -ct)))
        case 'command 0'
        case 'command *'
            set -l at (string replace 'command ' '' -- $found[1])
            complete -C (string join ' ' -- (string escape -- $words[(math $at + 1)..]) (commandline -ct))
    end
end

complete -c tm-run -e
complete -c tm-run -f -a '(__tm_run_complete)'
complete -c tm-wrap -f -a '(__tm_run_complete)'
complete -c anklume -a '(__tm_run_complete)'
complete -c ank -a '(__tm_run_complete)'
