# Completion of tm-run for fish: for /usr/share/fish/vendor_completions.d/tm-run.fish, and part of
# `tm-run init fish`.

function __tm_run_place -d 'Print where the cursor is: start, command, or a subcommand; and the command'
    # start: the flags of tm-run itself and the first word; command: the rest is another command's, printed
    # behind it, one word a line, quoted. Before a command that is named (--target), there is no subcommand.
    set -l words (commandline -opc)
    set -e words[1]
    set -l named
    while set -q words[1]
        switch $words[1]
            case --
                set -e words[1]
                echo command
                string escape -- $words
                return
            case --target --domain
                set named yes
                set -e words[1]
                if not set -q words[1]
                    echo value
                    return
                end
            case '--target=*' '--domain=*'
                set named yes
            case '-*'
            case on off status clear log report init
                if not set -q named[1]
                    echo $words[1]
                    return
                end
                echo command
                string escape -- $words
                return
            case '*'
                echo command
                string escape -- $words
                return
        end
        set -e words[1]
    end
    if set -q named[1]
        echo named
    else
        echo start
    end
end

function __tm_run_at -d 'Whether the cursor is at one of these places'
    set -l place (__tm_run_place)
    contains -- $place[1] $argv
end

function __tm_run_first -d 'The commands there are, once the word has begun'
    set -l place (__tm_run_place)
    if test "$place[1]" = named
        __fish_complete_command
    else if test -n (commandline -ct)
        # All of them would bury the seven subcommands, whose names some commands share.
        __fish_complete_command | string match -rv '^(on|off|status|clear|log|report|init)(\t|$)'
    end
end

function __tm_run_rest -d 'Complete the wrapped command'
    set -l place (__tm_run_place)
    complete -C (string join ' ' -- $place[2..-1] (commandline -ct))
end

function __tm_run_recorded -a key -d 'The names in the newest MiB of the log'
    set -l log $HOME/.anklume/telemetry/usage.jsonl
    test -f $log; and test -r $log; or return
    # Half of a pair of UTF-16 is no character. Nobody's terminal is to be driven by a name in a file.
    tail -c 1048576 -- $log 2>/dev/null | LC_ALL=C command grep -aoE '"'$key'"[[:blank:]]*:[[:blank:]]*"([^"\\\\[:cntrl:]]|\\\\[^[:cntrl:]])*"' | LC_ALL=C sort -u | while read -l name
        set name (string replace -r '^"[^"]*"\\s*:\\s*"(.*)"$' '$1' -- $name)
        if string match -qr '\\\\' -- $name
            string match -qr '\\\\u[dD][89a-fA-F]' -- $name; and continue
            set name (printf %b (string replace -a '\\/' / -- $name) | string collect)
        end
        string match -qr '^[^\\x00-\\x1f\\x7f-\\x9f]+$' -- $name; and echo $name
    end
end

complete -c tm-run -e
complete -c tm-run -f

complete -c tm-run -n '__tm_run_at start' -a on -d 'Start recording'
complete -c tm-run -n '__tm_run_at start' -a off -d 'Stop recording; what was recorded stays'
complete -c tm-run -n '__tm_run_at start' -a status -d 'Show whether runs are recorded, and what is stored'
complete -c tm-run -n '__tm_run_at start' -a clear -d 'Delete what was recorded'
complete -c tm-run -n '__tm_run_at start' -a log -d 'Record a run that something else has timed'
complete -c tm-run -n '__tm_run_at start' -a report -d 'Show where the time went'
complete -c tm-run -n '__tm_run_at start' -a init -d 'Print the integration for a shell or make, or the manual page'
complete -c tm-run -n '__tm_run_at start named' -a '(__tm_run_first)'
complete -c tm-run -n '__tm_run_at command' -a '(__tm_run_rest)'

complete -c tm-run -n '__tm_run_at start named value' -l target -x -a '(__tm_run_recorded target)' -d 'Record the run under this name'
complete -c tm-run -n '__tm_run_at start named value' -l domain -x -a '(__tm_run_recorded domain)' -d 'Record the run under this domain, too'
complete -c tm-run -n '__tm_run_at start' -s V -l version -d 'Show the version'
complete -c tm-run -n '__tm_run_at start on off status clear log report init' -s h -l help -d 'Show help'

complete -c tm-run -n '__tm_run_at status' -l format -x -a 'text json' -d 'How to write it'

complete -c tm-run -n '__tm_run_at clear' -l before -x -a 'today yesterday 12h 7d 4w' -d 'Delete only events before WHEN'

complete -c tm-run -n '__tm_run_at log' -l target -x -a '(__tm_run_recorded target)' -d 'The name to record'
complete -c tm-run -n '__tm_run_at log' -l domain -x -a '(__tm_run_recorded domain)' -d 'The domain to record'
complete -c tm-run -n '__tm_run_at log' -l duration -x -d 'How long it took, in seconds'
complete -c tm-run -n '__tm_run_at log' -l exit-code -x -d 'How it ended'

complete -c tm-run -n '__tm_run_at report' -l since -x -a 'today yesterday 12h 7d 4w' -d 'Only events from WHEN on'
complete -c tm-run -n '__tm_run_at report' -l until -x -a 'today yesterday 12h 7d 4w' -d 'Only events up to WHEN'
complete -c tm-run -n '__tm_run_at report' -l last -x -d 'Only the newest N events'
complete -c tm-run -n '__tm_run_at report' -l target -x -a '(__tm_run_recorded target)' -d 'Only this target; one alone gives its detailed view'
complete -c tm-run -n '__tm_run_at report' -l domain -x -a '(__tm_run_recorded domain)' -d 'Only this domain'
complete -c tm-run -n '__tm_run_at report' -l exclude -x -a '(__tm_run_recorded target)' -d 'Without this target'
complete -c tm-run -n '__tm_run_at report' -l failed -d 'Only runs that failed'
complete -c tm-run -n '__tm_run_at report' -l by -x -a 'target domain' -d 'What one row stands for'
complete -c tm-run -n '__tm_run_at report' -l sort -x -a 'runs time average failures name' -d 'Order of the rows'
complete -c tm-run -n '__tm_run_at report' -l limit -x -d 'At most N rows'
complete -c tm-run -n '__tm_run_at report' -l durations -x -a 'ok all failed' -d 'Which runs the durations are of'
complete -c tm-run -n '__tm_run_at report' -l format -x -a 'text json csv markdown html jsonl' -d 'What to write'
complete -c tm-run -n '__tm_run_at report' -l output -r -F -d 'Write there instead of to standard output'
complete -c tm-run -n '__tm_run_at report' -l log -r -F -d 'Read this log instead of your own'
complete -c tm-run -n '__tm_run_at report' -l anonymize -d 'Replace names by target-1, domain-1 and so on'
complete -c tm-run -n '__tm_run_at report' -l utc -d 'Show times in UTC'
complete -c tm-run -n '__tm_run_at report' -l width -x -d 'Columns to use, 40 to 200'
complete -c tm-run -n '__tm_run_at report' -l ascii -d 'Draw with ASCII characters only'
complete -c tm-run -n '__tm_run_at report' -l color -x -a 'auto always never' -d 'Whether to use colour'

complete -c tm-run -n '__tm_run_at init' -a 'bash zsh fish make man'
