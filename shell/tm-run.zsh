# tm-run for zsh: at the end of ~/.zshrc, below the lines that set PATH and make aliases.
#
#   eval "$(tm-run init zsh)"
#
# Where there is an anklume, it becomes an alias that records what takes time. tm-wrap makes such an alias of any command:
#
#   tm-wrap terraform plan apply                   records terraform-plan and terraform-apply, the rest runs bare
#   tm-wrap --target web --domain prod deploy.sh   records every run of deploy.sh as "web", with a domain
#   tm-wrap                                        lists these aliases
#   tm-wrap --undo terraform
#
# Aliases reach what you type, and neither scripts, cron, sudo nor xargs: write `tm-run --` there. Whatever options are
# set: nothing in here is read differently by them, and each function sets its own.

# _tm_run_alias NAME PREFIX: has NAME run what it runs now, an alias's text or itself, with the prefix in front. Fails if
# that is not one plain command.
_tm_run_alias() {
  emulate -L zsh
  set -- "$1" "$2" "${aliases[$1]-$1}"
  [[ $3 != 'tm-run '* ]] || set -- "$1" "$2" "${3#* -- }"
  set -- "$1" "$2" "$3" "${3%%[[:blank:]]*}"
  # The first word of an alias's text may be an alias, but not behind tm-run.
  [[ -n $4 && $4 != *=* && $3 != *[\;\&\|\<\>\(\)\`\#$'\n']* ]] || return 1
  [[ $4 == "$1" || -z ${aliases[$4]-} ]] || return 1
  if [[ $4 != */* ]]; then
    builtin whence -p -- "$4" >/dev/null || return 1
    [[ -z ${builtins[$4]-}${functions[$4]-}${reswords[(re)$4]-} ]] || return 1
  fi
  aliases[$1]="$2 -- $3"
}

tm-wrap() {
  emulate -L zsh
  local _tm_run_prefix=tm-run _tm_run_word=''
  if [[ $# == 0 ]]; then
    for _tm_run_word in "${(@ko)aliases}"; do
      [[ ${aliases[$_tm_run_word]} == 'tm-run '* ]] || continue
      builtin alias -L -- "$_tm_run_word"
      _tm_run_prefix=''
    done
    [[ -z $_tm_run_prefix ]] || builtin print -u2 'tm-wrap: nothing is recorded so'
    return 0
  fi
  if [[ $1 == --undo && $# == 2 && -n $2 ]]; then
    set -- "$2" "${aliases[$2]-}"
    if [[ $2 != 'tm-run '* ]]; then
      builtin print -ru2 -- "tm-wrap: $1 is not recorded"
      return 2
    fi
    if [[ ${2#* -- } == "$1" ]]; then builtin unalias -- "$1"; else aliases[$1]=${2#* -- }; fi
    return 0
  fi
  while [[ $1 == --* ]]; do
    case $1 in --target | --domain) set -- "$1=$2" "${@:3}" ;; esac
    case $1 in
      *[[:cntrl:]]*) break ;;
      --target=?*) _tm_run_word=named ;;
      --domain=*) ;;
      --target= | --) break ;;
      *)
        builtin print -ru2 -- "tm-wrap: $1: unknown option"
        break
        ;;
    esac
    builtin printf -v _tm_run_prefix '%s %q' "$_tm_run_prefix" "$1"
    shift
  done
  if [[ $1 != [[:alnum:]_]* || $1 == *[^[:alnum:]_.+-]* || $* == *[[:cntrl:]]* ]]; then
    builtin print -ru2 -- 'usage: tm-wrap [--target NAME] [--domain NAME] COMMAND [SUBCOMMAND]...'
    builtin print -ru2 -- '       tm-wrap [--undo COMMAND]'
    return 2
  fi
  [[ $_tm_run_word == named ]] || _tm_run_prefix+=" --target=$1"
  if [[ $# -gt 1 ]]; then
    builtin printf -v _tm_run_word ',%q' "${@:2}"
    _tm_run_prefix+=" --subcommands=${_tm_run_word:1}"
  fi
  if ! _tm_run_alias "$1" "$_tm_run_prefix"; then
    builtin print -ru2 -- "tm-wrap: $1 is no command, belongs to the shell, or is an alias of more than one command"
    return 2
  fi
}

zmodload zsh/parameter
_tm_run_alias anklume 'tm-run --anklume' || :
_tm_run_alias ank 'tm-run --anklume' || :
