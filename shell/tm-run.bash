# tm-run for bash. In ~/.bashrc, below the lines that set PATH:
#
#   eval "$(tm-run init bash)"
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
_tm_run_as() {
  if ! type -P tm-run >/dev/null || ! type -P "$3" >/dev/null || ! _tm_run_fits "$1" || ! _tm_run_fits "$2"; then
    command "${@:3}"
  elif [[ -n $2 ]]; then
    command tm-run --target="$1" --domain="$2" -- "${@:3}"
  else
    command tm-run --target="$1" -- "${@:3}"
  fi
}

# 1024 bytes at most: a character has up to four of them.
_tm_run_fits() {
  [[ $1 != *[[:cntrl:]]* && $1 != -- ]] && ((${#1} <= 256 || (${#1} <= 1024 && ${#1} == $(LC_ALL=C && echo ${#1}))))
}

tm-wrap() {
  local target='' domain='' name='' usage='usage: tm-wrap [--target NAME] [--domain NAME] COMMAND'
  while [[ ${1-} == -* ]]; do
    case $1 in
      --target=*) target=${1#*=} ;;
      --domain=*) domain=${1#*=} ;;
      --target | --domain)
        if (($# < 2)); then
          printf '%s\n' "$usage" >&2
          return 2
        fi
        if [[ $1 == --target ]]; then target=$2; else domain=$2; fi
        shift
        ;;
      --)
        shift
        break
        ;;
      *)
        printf '%s\n' "$usage" >&2
        return 2
        ;;
    esac
    shift
  done
  name=${1-}
  if (($# != 1)) || [[ ! $name =~ ^[[:alnum:]_][[:alnum:]_.+-]*$ ]]; then
    printf '%s\n' "$usage" >&2
    return 2
  fi
  if ! _tm_run_fits "$target" || ! _tm_run_fits "$domain"; then
    printf 'tm-wrap: a name has at most 1024 bytes and no control characters\n' >&2
    return 2
  fi
  case $(type -t -- "$name" || :) in
    builtin | keyword)
      printf 'tm-wrap: %s is part of the shell and cannot be recorded\n' "$name" >&2
      return 2
      ;;
    function)
      if [[ $(declare -f -- "$name") != *_tm_run_as* ]]; then
        printf 'tm-wrap: there is a function %s already\n' "$name" >&2
        return 2
      fi
      ;;
  esac
  unalias "$name" 2>/dev/null || :
  eval "function $name { _tm_run_as $(printf '%q %q' "${target:-$name}" "$domain") $name \"\$@\"; }"
}

# Which target and domain the words of an anklume command line are recorded under: sets _tm_run_target
# and _tm_run_domain of its caller, or leaves the target empty. Words it does not know leave the whole command
# alone.
_tm_run_anklume_names() {
  local tags='' all='' infra='' words=()
  case "${1-} ${2-}" in
    'sync '*)
      shift
      while (($#)); do
        case $1 in --dry-run | -n | --clean | --help) return 0 ;; esac
        shift
      done
      _tm_run_target=sync
      ;;
    'dev test')
      shift 2
      while (($#)); do
        [[ $1 == --generator ]] || return 0
        shift
      done
      _tm_run_target=test-generator
      ;;
    'domain apply')
      shift 2
      while (($#)); do
        case $1 in
          --all) all=yes ;;
          --tags=*) tags=${1#*=} ;;
          --tags | -t)
            (($# > 1)) || return 0
            tags=$2
            shift
            ;;
          -t*) tags=${1#-t} ;;
          --)
            shift
            words+=("$@")
            break
            ;;
          -*) return 0 ;;
          *) words+=("$1") ;;
        esac
        shift
      done
      ((${#words[@]} <= 1)) || return 0
      if [[ -z $all ]]; then _tm_run_domain=${words[0]-}; fi
      case $tags in
        '') if [[ -n $_tm_run_domain ]]; then _tm_run_target=apply-limit; else _tm_run_target=apply; fi ;;
        infra | provision) _tm_run_target=apply-$tags ;;
      esac
      ;;
    'apply all' | 'apply domain')
      all=$2
      shift 2
      while (($#)); do
        case $1 in
          --no-provision) infra=yes ;;
          --)
            shift
            words+=("$@")
            break
            ;;
          -*) return 0 ;;
          *) words+=("$1") ;;
        esac
        shift
      done
      if [[ $all == all ]]; then
        ((${#words[@]} == 0)) || return 0
        _tm_run_target=apply
      else
        ((${#words[@]} == 1)) && [[ -n ${words[0]} ]] || return 0
        _tm_run_domain=${words[0]} _tm_run_target=apply-limit
      fi
      if [[ -n $infra ]]; then _tm_run_target=apply-infra; fi
      ;;
  esac
}

# An anklume that is a script around make records in its Makefile: wrapped here, too, each run would count
# twice. Its first lines tell.
_tm_run_anklume_is_make() {
  local file line='' left=64
  file=$(type -P anklume) || return 1
  {
    IFS= LC_ALL=C read -r -n 256 line || :
    [[ $line =~ ^#!.*sh([[:space:]]|$) ]] || return 1
    while ((left--)) && { IFS= LC_ALL=C read -r -n 1024 line || [[ -n $line ]]; }; do
      case $line in
        '#'*) ;;
        *make*' -C'* | *make*' --directory'* | *make*'$@'*) return 0 ;;
      esac
    done
  } 2>/dev/null <"$file"
  return 1
}

if [[ ${TM_RUN_ANKLUME-} == 1 ]] || { [[ ${TM_RUN_ANKLUME-} != 0 ]] && type -P anklume >/dev/null; }; then
  # An alias of that name would be run instead of the function.
  unalias anklume 2>/dev/null || :
  function anklume {
    # The command must not find these in the place of variables of its own.
    local _tm_run_target='' _tm_run_domain=''
    case "${1-} ${2-}" in
      'telemetry on' | 'telemetry off' | 'telemetry status' | 'telemetry clear' | 'telemetry report')
        if type -P tm-run >/dev/null; then
          shift
          command tm-run "$@"
          return
        fi
        ;;
    esac
    _tm_run_anklume_names "$@"
    if [[ -z $_tm_run_target ]] || _tm_run_anklume_is_make; then
      command anklume "$@"
    else
      _tm_run_as "$_tm_run_target" "$_tm_run_domain" anklume "$@"
    fi
  }
fi
