# tm-run for zsh. In ~/.zshrc, below the lines that set PATH:
#
#   eval "$(tm-run init zsh)"
#
# What it defines:
#
#   anklume   records the commands of anklume that take time, and hands `anklume telemetry ...` to tm-run.
#             Only where anklume is on PATH; TM_RUN_ANKLUME=1 before the line above asks for it anyway,
#             TM_RUN_ANKLUME=0 declines it.
#   tm-wrap   records any command of your own:
#               tm-wrap terraform                              every run of terraform, as "terraform"
#               tm-wrap --target site ansible-playbook         every run of ansible-playbook, as "site"
#               tm-wrap --target web --domain prod deploy.sh   with a domain
#             `command terraform` runs it bare for once, `unset -f terraform` for good.
#
# Functions reach what you type, and neither scripts, cron, sudo nor xargs: write `tm-run --` there.

# _tm_run_as TARGET DOMAIN COMMAND [ARG]...
# A name tm-run would refuse must not keep the command from running: then it runs unrecorded.
function _tm_run_as {
  local _tm_run_target="$1" _tm_run_domain="$2"
  shift 2
  if ! whence -p tm-run >/dev/null || ! whence -p "$1" >/dev/null || ! _tm_run_fits "$_tm_run_target" || ! _tm_run_fits "$_tm_run_domain"; then
    command "$@"
  elif [[ -n "$_tm_run_domain" ]]; then
    command tm-run --target="$_tm_run_target" --domain="$_tm_run_domain" -- "$@"
  else
    command tm-run --target="$_tm_run_target" -- "$@"
  fi
}

# 1024 bytes at most: a character has up to four of them.
function _tm_run_fits {
  emulate -LR zsh
  [[ "$1" != *[[:cntrl:]]* && "$1" != '--' ]] || return 1
  (( $#1 <= 1024 )) || return 1
  setopt no_multibyte
  (( $#1 <= 1024 ))
}

function tm-wrap {
  emulate -LR zsh
  local target='' domain='' name='' usage='usage: tm-wrap [--target NAME] [--domain NAME] COMMAND'
  while [[ "$1" == -* ]]; do
    case "$1" in
      (--target=*) target="${1#*=}" ;;
      (--domain=*) domain="${1#*=}" ;;
      (--target|--domain)
        if (( $# < 2 )); then
          print -ru2 -- "$usage"
          return 2
        fi
        if [[ "$1" == --target ]]; then target="$2"; else domain="$2"; fi
        shift
        ;;
      (--) shift; break ;;
      (*) print -ru2 -- "$usage"; return 2 ;;
    esac
    shift
  done
  name="$1"
  if (( $# != 1 )) || [[ ! "$name" =~ '^[[:alnum:]_][[:alnum:]_.+-]*$' ]]; then
    print -ru2 -- "$usage"
    return 2
  fi
  if ! _tm_run_fits "$target" || ! _tm_run_fits "$domain"; then
    print -ru2 -- 'tm-wrap: a name has at most 1024 bytes and no control characters'
    return 2
  fi
  unalias -- "$name" 2>/dev/null
  case "$(whence -w -- "$name")" in
    (*': builtin'|*': reserved')
      print -ru2 -- "tm-wrap: $name is part of the shell and cannot be recorded"
      return 2
      ;;
    (*': function')
      if [[ "$(functions -- "$name")" != *_tm_run_as* ]]; then
        print -ru2 -- "tm-wrap: there is a function $name already"
        return 2
      fi
      ;;
  esac
  eval "function $name { _tm_run_as ${(qq)${target:-$name}} ${(qq)domain} $name \"\$@\"; }"
}

# Which target and domain the words of an anklume command line are recorded under: _tm_run_names=
# (TARGET DOMAIN) of its caller, or an empty TARGET. Words it does not know leave the whole command alone.
function _tm_run_anklume_names {
  emulate -LR zsh
  local target='' domain='' tags='' all='' infra=''
  local -a words
  _tm_run_names=('' '')
  case "$1 $2" in
    ('sync '*)
      shift
      while (( $# )); do
        case "$1" in (--dry-run|-n|--clean|--help) return 0 ;; esac
        shift
      done
      target=sync
      ;;
    ('dev test')
      shift 2
      while (( $# )); do
        [[ "$1" == --generator ]] || return 0
        shift
      done
      target=test-generator
      ;;
    ('domain apply')
      shift 2
      while (( $# )); do
        case "$1" in
          (--all) all=yes ;;
          (--tags=*) tags="${1#*=}" ;;
          (--tags|-t)
            (( $# > 1 )) || return 0
            tags="$2"
            shift
            ;;
          (-t*) tags="${1#-t}" ;;
          (--) shift; words+=("$@"); break ;;
          (-*) return 0 ;;
          (*) words+=("$1") ;;
        esac
        shift
      done
      (( $#words <= 1 )) || return 0
      if [[ -z "$all" ]]; then domain="${words[1]}"; fi
      case "$tags" in
        ('') if [[ -n "$domain" ]]; then target=apply-limit; else target=apply; fi ;;
        (infra|provision) target="apply-$tags" ;;
      esac
      ;;
    ('apply all'|'apply domain')
      all="$2"
      shift 2
      while (( $# )); do
        case "$1" in
          (--no-provision) infra=yes ;;
          (--) shift; words+=("$@"); break ;;
          (-*) return 0 ;;
          (*) words+=("$1") ;;
        esac
        shift
      done
      if [[ "$all" == all ]]; then
        (( $#words == 0 )) || return 0
        target=apply
      else
        [[ $#words -eq 1 && -n "${words[1]}" ]] || return 0
        domain="${words[1]}" target=apply-limit
      fi
      if [[ -n "$infra" ]]; then target=apply-infra; fi
      ;;
  esac
  _tm_run_names=("$target" "$domain")
}

# An anklume that is a script around make records in its Makefile: wrapped here, too, each run would count
# twice. Its first lines tell. (A variable called path would hide zsh's own, and every command with it.)
function _tm_run_anklume_is_make {
  emulate -LR zsh
  setopt no_multibyte
  local file='' line='' left=64
  file="$(whence -p anklume)" || return 1
  {
    IFS= read -r -k 256 -u 0 line
    [[ "${line%%$'\n'*}" =~ '^#!.*sh([[:space:]]|$)' ]] || return 1
  } 2>/dev/null <"$file"
  {
    while (( left-- )) && { IFS= read -r line || [[ -n "$line" ]]; }; do
      case "$line" in
        ('#'*) ;;
        (*make*' -C'*|*make*' --directory'*|*make*'$@'*) return 0 ;;
      esac
    done
  } 2>/dev/null <"$file"
  return 1
}

if [[ "${TM_RUN_ANKLUME-}" == 1 ]] || { [[ "${TM_RUN_ANKLUME-}" != 0 ]] && whence -p anklume >/dev/null; }; then
  # An alias of that name would be run instead of the function.
  unalias anklume 2>/dev/null || :
  function anklume {
    # The command must not find this in the place of a variable of its own.
    local -a _tm_run_names
    case "${1-} ${2-}" in
      ('telemetry on'|'telemetry off'|'telemetry status'|'telemetry clear'|'telemetry report')
        if whence -p tm-run >/dev/null; then
          shift
          command tm-run "$@"
          return
        fi
        ;;
    esac
    _tm_run_anklume_names "$@"
    if [[ -z "${_tm_run_names[@]:0:1}" ]] || _tm_run_anklume_is_make; then
      command anklume "$@"
    else
      _tm_run_as "${_tm_run_names[@]:0:1}" "${_tm_run_names[@]:1:1}" anklume "$@"
    fi
  }
fi
