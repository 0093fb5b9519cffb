# tm-run for bash: at the end of ~/.bashrc, below the lines that set PATH and make aliases.
#
#   eval "$(tm-run init bash)"
#
# Where there is an anklume, it becomes an alias that records what takes time. tm-wrap makes such an alias of any command:
#
#   tm-wrap terraform plan apply                   records terraform-plan and terraform-apply, the rest runs bare
#   tm-wrap --target web --domain prod deploy.sh   records every run of deploy.sh as "web", with a domain
#   tm-wrap                                        lists these aliases
#   tm-wrap --undo terraform
#
# Aliases reach what you type, and neither scripts, cron, sudo nor xargs: write `tm-run --` there. Nothing that the
# session defines may do harm here: hence `builtin`, and only names that begin with _tm_run.

# _tm_run_alias NAME PREFIX: has NAME run what it runs now, an alias's text or itself, with the prefix in front. Fails if
# that is not one plain command.
_tm_run_alias() {
  set -- "$1" "$2" "${BASH_ALIASES[$1]-$1}"
  [[ $3 != 'tm-run '* ]] || set -- "$1" "$2" "${3#* -- }"
  set -- "$1" "$2" "$3" "${3%%[[:blank:]]*}"
  # The first word of an alias's text may be an alias, but not behind tm-run.
  [[ -n $4 && $4 != *=* && $3 != *[\;\&\|\<\>\(\)\`\#$'\n']* ]] || return 1
  [[ $4 == "$1" || -z ${BASH_ALIASES[$4]-} ]] || return 1
  if [[ $4 != */* ]]; then
    builtin type -P -- "$4" >/dev/null || return 1
    ! builtin compgen -A builtin -A keyword -A function -X "!$4" -- "$4" >/dev/null || return 1
  fi
  BASH_ALIASES[$1]="$2 -- $3"
}

_tm_run_wrap() {
  builtin local _tm_run_prefix _tm_run_word
  _tm_run_prefix=tm-run
  if (($# == 0)); then
    for _tm_run_word in "${!BASH_ALIASES[@]}"; do
      [[ ${BASH_ALIASES[$_tm_run_word]} == 'tm-run '* ]] || continue
      builtin alias -- "$_tm_run_word"
      _tm_run_prefix=''
    done
    [[ ! $_tm_run_prefix ]] || builtin printf 'tm-wrap: nothing is recorded so\n' >&2
    return 0
  fi
  if [[ $1 == --undo && $# == 2 && -n $2 ]]; then
    set -- "$2" "${BASH_ALIASES[$2]-}"
    if [[ $2 != 'tm-run '* ]]; then
      builtin printf 'tm-wrap: %s is not recorded\n' "$1" >&2
      return 2
    fi
    if [[ ${2#* -- } == "$1" ]]; then builtin unalias -- "$1"; else BASH_ALIASES[$1]=${2#* -- }; fi
    return 0
  fi
  while [[ ${1-} == --* ]]; do
    case $1 in --target | --domain) set -- "$1=${2-}" "${@:3}" ;; esac
    case $1 in
      *[[:cntrl:]]*) break ;;
      --target=?*) _tm_run_word=named ;;
      --domain=*) ;;
      --target= | --) break ;;
      *)
        builtin printf 'tm-wrap: %q: unknown option\n' "$1" >&2
        break
        ;;
    esac
    builtin printf -v _tm_run_prefix '%s %q' "$_tm_run_prefix" "$1"
    shift
  done
  if [[ ! ${1-} == [[:alnum:]_]* || $1 == *[![:alnum:]_.+-]* || $* == *[[:cntrl:]]* ]]; then
    builtin printf 'usage: tm-wrap [--target NAME] [--domain NAME] COMMAND [SUBCOMMAND]...\n       tm-wrap [--undo COMMAND]\n' >&2
    return 2
  fi
  [[ ${_tm_run_word-} == named ]] || _tm_run_prefix+=" --target=$1"
  if (($# > 1)); then
    builtin printf -v _tm_run_word ',%q' "${@:2}"
    _tm_run_prefix+=" --subcommands=${_tm_run_word:1}"
  fi
  if ! _tm_run_alias "$1" "$_tm_run_prefix"; then
    builtin printf 'tm-wrap: %s is no command, belongs to the shell, or is an alias of more than one command\n' "$1" >&2
    return 2
  fi
}

# _tm_run_anklume NAME. Its completion stays what it is, but for `anklume telemetry`.
_tm_run_anklume() {
  _tm_run_alias "$1" 'tm-run --anklume' || return 0
  if builtin declare -F "_$1_completion" >/dev/null || ! builtin complete -p "$1" >/dev/null 2>&1; then
    builtin complete -o bashdefault -o default -F _tm_run_complete "$1"
  fi
}

# _tm_run_complete_anklume NAME CURRENT PREVIOUS: what Typer has defined, or what bash-completion finds.
_tm_run_complete_anklume() {
  if ! builtin declare -F "_$1_completion" >/dev/null; then
    if builtin declare -F _comp_load >/dev/null; then
      _comp_load -- "$1"
    elif builtin declare -F __load_completion >/dev/null; then
      __load_completion "$1"
    fi && return 124
  fi
  ! builtin declare -F "_$1_completion" >/dev/null || "_$1_completion" "$@"
}

# In POSIX mode a function cannot have this name.
builtin alias tm-wrap=_tm_run_wrap
builtin complete -F _tm_run_complete tm-wrap
_tm_run_anklume anklume
_tm_run_anklume ank
