#compdef siemfeed
# Has zsh complete the command lines of siemfeed:
#   source <(siemfeed completion zsh)
# or, in a file _siemfeed in a folder of fpath, by itself.
_siemfeed() {
	local line
	local -a lines offers
	lines=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null)}")
	if [[ ${lines[1]} == :files ]]; then
		_files
		return
	fi
	for line in "${lines[@]}"; do
		[[ -n $line ]] && offers+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
	done
	_describe -V siemfeed offers
}
if [[ ${funcstack[1]} == _siemfeed ]]; then
	_siemfeed "$@"
else
	compdef _siemfeed siemfeed
fi
