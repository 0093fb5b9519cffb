# Completion of tm-run for bash: for /usr/share/bash-completion/completions/tm-run, and part of `tm-run init bash`.
# Uses bash-completion, where it is loaded, for the words of the wrapped command.

_tm_run_complete() {
  builtin mapfile -t COMPREPLY <<<"$(command tm-run __complete bash "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" \
    "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)"
  set -- "$1" "$2" "$3" "${COMPREPLY[0]-}"
  COMPREPLY=("${COMPREPLY[@]:1}")
  case $4 in
    files) builtin compopt -o default -o filenames 2>/dev/null || : ;;
    'command 0') _tm_run_complete_anklume "$1" "$2" "$3" ;;
    'command '*) _tm_run_complete_command "${4#* }" "$2" "${COMPREPLY[@]}" ;;
  esac
}

# _tm_run_complete_command INDEX CURRENT [CANDIDATE]...: the words from INDEX on are another command's.
_tm_run_complete_command() {
  if builtin declare -F _comp_command_offset >/dev/null; then
    _comp_command_offset "$1"
  elif builtin declare -F _command_offset >/dev/null; then
    _command_offset "$1"
  elif ((COMP_CWORD == $1)); then
    builtin compopt -o filenames 2>/dev/null || :
    builtin mapfile -t COMPREPLY <<<"$(builtin compgen -c -- "$2")"
  else
    builtin compopt -o bashdefault -o default 2>/dev/null || :
  fi
  COMPREPLY+=("${@:3}")
}

builtin complete -F _tm_run_complete tm-run
