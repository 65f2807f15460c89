# Has bash complete the command lines of siemfeed:
#   source <(siemfeed completion bash)
_siemfeed() {
	local line
	COMPREPLY=()
	while IFS= read -r line; do
		if [[ $line == :files ]]; then
			compopt -o default 2>/dev/null # files, as bash completes them
			return
		fi
		COMPREPLY+=("${line%%$'\t'*}")
	done < <("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -F _siemfeed siemfeed
