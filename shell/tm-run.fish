# tm-run for fish. In ~/.config/fish/config.fish, below the lines that set PATH:
#
#   tm-run init fish | source
#
# What it defines:
#
#   anklume   records the commands of anklume that take time, and hands `anklume telemetry ...` to tm-run.
#             Only where anklume is on PATH; `set -g TM_RUN_ANKLUME 1` before the line above asks for it
#             anyway, `set -g TM_RUN_ANKLUME 0` declines it.
#   tm-wrap   records any command of your own:
#               tm-wrap terraform                              every run of terraform, as "terraform"
#               tm-wrap --target site ansible-playbook         every run of ansible-playbook, as "site"
#               tm-wrap --target web --domain prod deploy.sh   with a domain
#             `command terraform` runs it bare for once, `functions -e terraform` for good.
#
# Functions reach what you type, and neither scripts, cron, sudo nor xargs: write `tm-run --` there.

function __tm_run_as -d 'Run COMMAND, recorded as TARGET and DOMAIN' -a __tm_run_target __tm_run_domain
    # A name tm-run would refuse must not keep the command from running: then it runs unrecorded.
    if not command -sq tm-run; or not command -sq $argv[3]; or not __tm_run_fits "$__tm_run_target"; or not __tm_run_fits "$__tm_run_domain"
        command $argv[3..-1]
    else if test -n "$__tm_run_domain"
        command tm-run --target=$__tm_run_target --domain=$__tm_run_domain -- $argv[3..-1]
    else
        command tm-run --target=$__tm_run_target -- $argv[3..-1]
    end
end

function __tm_run_fits -d 'Whether tm-run takes this name' -a name
    test "$name" != --
    and string match -qr -- '^[^\x00-\x1f\x7f-\x9f]{0,1024}$' "$name"
    # 1024 bytes at most: a character has up to four of them.
    and test (string length -- "$name") -le 256 -o (printf %s "$name" | wc -c) -le 1024
end

function tm-wrap -d 'Record every run of a command'
    set -l usage 'usage: tm-wrap [--target NAME] [--domain NAME] COMMAND'
    if not argparse -n tm-wrap 'target=' 'domain=' -- $argv 2>/dev/null; or test (count $argv) -ne 1
        echo $usage >&2
        return 2
    end
    set -l name $argv[1]
    if not string match -qr -- '^[[:alnum:]_][[:alnum:]_.+-]*$' $name
        echo $usage >&2
        return 2
    end
    if not __tm_run_fits "$_flag_target"; or not __tm_run_fits "$_flag_domain"
        echo 'tm-wrap: a name has at most 1024 bytes and no control characters' >&2
        return 2
    end
    if builtin -q -- $name
        echo "tm-wrap: $name is part of the shell and cannot be recorded" >&2
        return 2
    end
    if functions -q -- $name
        and not functions -- $name | string match -qr -- '__tm_run_as|description .?alias '
        echo "tm-wrap: there is a function $name already" >&2
        return 2
    end
    set -q _flag_target[1]; or set -l _flag_target $name
    set -q _flag_domain[1]; or set -l _flag_domain ''
    echo "function $name -d 'Recorded by tm-run'
            __tm_run_as "(string escape -- $_flag_target)" "(string escape -- "$_flag_domain")" $name \$argv
        end" | source
end

function __tm_run_anklume_names -S -d 'Find the target and the domain of an anklume command line'
    # Sets both in its caller, or leaves the target empty. Words it does not know leave the whole command alone.
    set -l tags ''
    set -l all ''
    set -l infra ''
    set -l words
    set -l verb "$argv[1] $argv[2]"
    switch $verb
        case 'sync *'
            for word in $argv[2..-1]
                contains -- $word --dry-run -n --clean --help; and return
            end
            set __tm_run_target sync
        case 'dev test'
            for word in $argv[3..-1]
                test "$word" = --generator; or return
            end
            set __tm_run_target test-generator
        case 'domain apply'
            set -e argv[1..2]
            while set -q argv[1]
                switch $argv[1]
                    case --all
                        set all yes
                    case '--tags=*'
                        set tags (string replace -r '^[^=]*=' '' -- $argv[1])
                    case --tags -t
                        set -q argv[2]; or return
                        set tags $argv[2]
                        set -e argv[1]
                    case --
                        set -a words $argv[2..-1]
                        break
                    case '-t*'
                        set tags (string sub -s 3 -- $argv[1])
                    case '-*'
                        return
                    case '*'
                        set -a words $argv[1]
                end
                set -e argv[1]
            end
            test (count $words) -le 1; or return
            test -z "$all"; and set __tm_run_domain "$words[1]"
            switch "$tags"
                case ''
                    set __tm_run_target apply
                    test -n "$__tm_run_domain"; and set __tm_run_target apply-limit
                case infra provision
                    set __tm_run_target apply-$tags
            end
        case 'apply all' 'apply domain'
            set all $argv[2]
            set -e argv[1..2]
            while set -q argv[1]
                switch $argv[1]
                    case --no-provision
                        set infra yes
                    case --
                        set -a words $argv[2..-1]
                        break
                    case '-*'
                        return
                    case '*'
                        set -a words $argv[1]
                end
                set -e argv[1]
            end
            if test $all = all
                test (count $words) -eq 0; or return
                set __tm_run_target apply
            else
                test (count $words) -eq 1; and test -n "$words[1]"; or return
                set __tm_run_domain $words[1]
                set __tm_run_target apply-limit
            end
            test -n "$infra"; and set __tm_run_target apply-infra
    end
end

function __tm_run_anklume_is_make -d 'Whether anklume is a script around make'
    # Such a one records in its Makefile: wrapped here, too, each run would count twice. Its first lines tell.
    set -l file (command -s anklume); or return 1
    set -l left 64
    begin
        read -l -n 256 line
        string match -qr -- '^#!.*sh(\s|$)' "$line"; or return 1
        while test $left -gt 0; and read -l -n 1024 line
            set left (math $left - 1)
            string match -q -- '#*' "$line"; and continue
            string match -qr -- 'make.*( -C| --directory|\$@)' "$line"; and return 0
        end
    end <$file 2>/dev/null
    return 1
end

if test "$TM_RUN_ANKLUME" = 1; or begin
        test "$TM_RUN_ANKLUME" != 0; and command -sq anklume
    end
    function anklume -d 'anklume, recorded by tm-run'
        if command -sq tm-run; and test "$argv[1]" = telemetry
            and contains -- "$argv[2]" on off status clear report
            command tm-run $argv[2..-1]
            return
        end
        # The command must not find these in the place of variables of its own.
        set -l __tm_run_target ''
        set -l __tm_run_domain ''
        __tm_run_anklume_names $argv
        if test -z "$__tm_run_target"; or __tm_run_anklume_is_make
            command anklume $argv
        else
            __tm_run_as $__tm_run_target "$__tm_run_domain" anklume $argv
        end
    end
end
