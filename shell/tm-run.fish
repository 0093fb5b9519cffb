# tm-run for fish: at the end of ~/.config/fish/config.fish, below the lines that set PATH and make aliases.
#
#   tm-run init fish | source
#
# Where there is an anklume, a function of one line records what takes time. tm-wrap makes such a function of any command:
#
#   tm-wrap terraform plan apply                   records terraform-plan and terraform-apply, the rest runs bare
#   tm-wrap --target web --domain prod deploy.sh   records every run of deploy.sh as "web", with a domain
#   tm-wrap                                        lists these functions
#   tm-wrap --undo terraform
#
# Functions reach what you type, and neither scripts, cron, sudo nor xargs: write `tm-run --` there. Nor can fish put a
# function into the background: `tm-run -- terraform plan &`.

function __tm_run_text -d 'Print what NAME runs, if that is one plain command'
    set -l text $argv[1]
    if functions -q -- $argv[1]
        # What fish's alias has made, or tm-wrap, is one line.
        string match -qr -- '^(alias|tm-run)' (functions -Dv -- $argv[1])[5]; or return 1
        set text (functions -- $argv[1] | string match -rg -- '^ +(?:command )?(?:tm-run .*? -- )?([^;&|<>()#]+) \$argv$')
    end
    set -l first (string split -m 1 -- ' ' "$text")[1]
    # A function is out of tm-run's reach.
    test "$first" = $argv[1]; or not functions -q -- $first; or return 1
    string match -q -- '*/*' $first; or begin
        command -sq -- $first; and not builtin -q -- $first
    end; or return 1
    echo $text
end

function __tm_run_function -d 'Have NAME run what it runs now, behind tm-run and OPTIONS'
    set -l text (__tm_run_text $argv[1]); or return 1
    set -l options (string join -- ' ' (string escape -- $argv[2..]))
    echo "function $argv[1] -d 'tm-run'
            command tm-run $options -- $text \$argv
        end" | source
end

function tm-wrap -d 'Record the runs of a command'
    if not set -q argv[1]
        set -l names
        for name in (functions -n | string split ', ')
            test "$(functions -Dv -- $name)[5]" = tm-run; and functions -- $name; and set -a names $name
        end
        set -q names[1]; or echo 'tm-wrap: nothing is recorded so' >&2
        return 0
    end
    argparse -n tm-wrap -s undo 'target=' 'domain=' -- $argv
    and not string match -qr '[[:cntrl:]]' -- $_flag_target $_flag_domain $argv
    and string match -qr '^[[:alnum:]_][[:alnum:]_.+-]*$' -- $argv[1]
    or begin
        echo 'usage: tm-wrap [--target NAME] [--domain NAME] COMMAND [SUBCOMMAND]...' >&2
        echo '       tm-wrap [--undo COMMAND]' >&2
        return 2
    end
    set -l name $argv[1]
    if set -q _flag_undo
        if test "$(functions -Dv -- $name 2>/dev/null)[5]" != tm-run
            echo "tm-wrap: $name is not recorded" >&2
            return 2
        end
        set -l text (__tm_run_text $name)
        functions -e -- $name
        test "$text" = $name; or alias $name $text
        return 0
    end
    set -q _flag_target[1]; or set -l _flag_target $name
    set -l options --target=$_flag_target
    set -q _flag_domain; and set -a options --domain=$_flag_domain
    set -q argv[2]; and set -a options --subcommands=(string join , -- $argv[2..])
    if not __tm_run_function $name $options
        echo "tm-wrap: $name is no command, belongs to the shell, or is a function" >&2
        return 2
    end
end

__tm_run_function anklume --anklume
__tm_run_function ank --anklume
