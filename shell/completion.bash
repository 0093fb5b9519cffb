# Completion of tm-run for bash: for /usr/share/bash-completion/completions/tm-run, and part of
# `tm-run init bash`. Uses bash-completion, where it is loaded, for the words of the wrapped command.

_tm_run_complete() {
  local line=$COMP_LINE rest word cur verb='' option='' literal='' tracked='' i last at
  local -a words=() raw=()
  COMPREPLY=()

  # COMP_WORDS is split at = and : as well; here are the words as tm-run will get them, up to the cursor,
  # and where in COMP_WORDS each begins.
  if ((COMP_POINT < ${#line})); then line=${line:0:COMP_POINT}; fi
  for ((i = 0; i <= COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    rest=${line#"${line%%[![:space:]]*}"}
    if [[ $rest != "$word"* ]]; then word=$rest; fi
    if ((i == 0)) || [[ $rest != "$line" ]]; then
      words+=("$word")
      raw+=("$i")
    else
      words[${#words[@]} - 1]+=$word
    fi
    line=${rest#"$word"}
  done
  last=$((${#words[@]} - 1))
  cur=${words[last]}

  for ((at = 1; at < last; at++)); do
    case ${words[at]} in
      --)
        literal=yes
        ((++at))
        break
        ;;
      --target | --domain)
        tracked=yes
        if ((++at == last)); then
          _tm_run_values '' "${words[at - 1]}" "$cur"
          return
        fi
        ;;
      --target=* | --domain=*) tracked=yes ;;
      -*) ;;
      *) break ;;
    esac
  done

  if ((at == last)) && [[ -z $literal ]]; then
    case $cur in
      --*=*) _tm_run_values '' "${cur%%=*}" "${cur#*=}" "${cur%%=*}=" ;;
      -*) _tm_run_reply "$cur" -- --target --domain -h --help -V --version ;;
      *)
        if [[ -z $tracked ]]; then _tm_run_reply "$cur" -- on off status clear log report init; fi
        # All commands there are would bury the seven.
        if [[ -n $cur || -n $tracked ]]; then _tm_run_command "${raw[at]}" "$cur"; fi
        ;;
    esac
    return
  fi

  case $literal$tracked${words[at]} in
    on | off | status | clear | log | report | init) verb=${words[at]} ;;
    *)
      _tm_run_command "${raw[at]}" "$cur"
      return
      ;;
  esac

  for ((i = at + 1; i < last; i++)); do
    option=''
    case ${words[i]} in
      *=* | --help | --failed | --anonymize | --utc | --ascii) ;;
      --*)
        option=${words[i]}
        ((++i))
        ;;
    esac
  done
  if [[ -n $option ]] && ((i > last)); then
    _tm_run_values "$verb" "$option" "$cur"
    return
  fi
  case $cur in
    --*=*) _tm_run_values "$verb" "${cur%%=*}" "${cur#*=}" "${cur%%=*}=" ;;
    -*)
      case $verb in
        on | off | init) _tm_run_reply "$cur" -- -h --help ;;
        status) _tm_run_reply "$cur" -- --format -h --help ;;
        clear) _tm_run_reply "$cur" -- --before -h --help ;;
        log) _tm_run_reply "$cur" -- --target --domain --duration --exit-code -h --help ;;
        report)
          _tm_run_reply "$cur" -- --since --until --last --target --domain --exclude --failed --by --sort \
            --limit --durations --format --output --log --anonymize --utc --width --ascii --color -h --help
          ;;
      esac
      ;;
    *) if [[ $verb == init ]]; then _tm_run_reply "$cur" -- bash zsh fish make man; fi ;;
  esac
}

# _tm_run_values VERB OPTION CURRENT [OPTION=]
_tm_run_values() {
  local verb=$1 option=$2 cur=$3 before=${4-}
  case $option in
    --target | --exclude) _tm_run_recorded target ;;
    --domain) _tm_run_recorded domain ;;
    --since | --until | --before) _tm_run_reply "$cur" "$before" today yesterday 12h 7d 4w ;;
    --by) _tm_run_reply "$cur" "$before" target domain ;;
    --sort) _tm_run_reply "$cur" "$before" runs time average failures name ;;
    --durations) _tm_run_reply "$cur" "$before" ok all failed ;;
    --color) _tm_run_reply "$cur" "$before" auto always never ;;
    --format)
      if [[ $verb == status ]]; then
        _tm_run_reply "$cur" "$before" text json
      else
        _tm_run_reply "$cur" "$before" text json csv markdown html jsonl
      fi
      ;;
    --output | --log) compopt -o default -o filenames 2>/dev/null || : ;;
  esac
}

# The names in the newest MiB of the log, as candidates.
_tm_run_recorded() {
  local name log=${HOME-}/.anklume/telemetry/usage.jsonl
  local -a names=()
  [[ -f $log && -r $log ]] || return 0
  while IFS= read -r name; do
    name=${name#*:*\"}
    name=${name%\"}
    if [[ $name == *\\* ]]; then
      # Half of a pair of UTF-16 is no character.
      [[ $name != *\\u[dD][89a-fA-F]* ]] || continue
      name=${name//\\\"/\"}
      printf -v name %b "${name//\\\///}"
    fi
    # Nobody's terminal is to be driven by a name in a file.
    [[ -z $name || $name == *[[:cntrl:]]* ]] || names+=("$name")
  done < <(tail -c 1048576 -- "$log" 2>/dev/null |
    LC_ALL=C command grep -aoE '"'"$1"'"[[:blank:]]*:[[:blank:]]*"([^"\[:cntrl:]]|\\[^[:cntrl:]])*"' |
    LC_ALL=C sort -u)
  if ((${#names[@]})); then _tm_run_reply "$cur" "$before" "${names[@]}"; fi
}

# _tm_run_reply CURRENT BEFORE CANDIDATE...
# The candidates that go on from CURRENT, quoted for the shell. BEFORE stands in front of each in the same
# word; what readline takes for a word of its own, after = or :, is left out.
_tm_run_reply() {
  local cur=$1 before=${2#--} candidate quoted cut='' quote=''
  if [[ -n $before ]]; then before=--$before; fi
  case $cur in [\"\']*) quote=${cur:0:1} ;; esac
  if [[ -z $quote ]]; then
    case $COMP_WORDBREAKS in
      *=*:* | *:*=*) rest=$before$cur && cut=${rest%"${rest##*[=:]}"} ;;
      *=*) rest=$before$cur && cut=${rest%"${rest##*=}"} ;;
      *:*) rest=$before$cur && cut=${rest%"${rest##*:}"} ;;
    esac
  elif [[ $COMP_WORDBREAKS == *=* ]]; then
    before=''
  fi
  for candidate in "${@:3}"; do
    if [[ -z $quote ]]; then
      printf -v quoted %q "$candidate"
      if [[ $quoted == "$cur"* ]]; then
        quoted=$before$quoted
        COMPREPLY+=("${quoted#"$cut"}")
      fi
    elif [[ $quote$candidate == "$cur"* ]]; then
      case $quote$candidate in
        \'*\'* | \"*[\$\"\`\\!]*) ;;
        *) COMPREPLY+=("$before$candidate") ;;
      esac
    fi
  done
}

# _tm_run_command INDEX CURRENT: the words from INDEX on are another command's.
_tm_run_command() {
  local -a own=(${COMPREPLY[@]+"${COMPREPLY[@]}"})
  if declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$1"
  elif declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif ((COMP_CWORD == $1)); then
    compopt -o filenames 2>/dev/null || :
    mapfile -t COMPREPLY < <(compgen -c -- "$2" | LC_ALL=C sort -u)
  else
    compopt -o bashdefault -o default 2>/dev/null || :
  fi
  COMPREPLY+=(${own[@]+"${own[@]}"})
}

complete -F _tm_run_complete tm-run
