#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# A completion in /usr/local/share no longer goes before the distribution's.
#
# Guessed: bash-completion looks through XDG_DATA_DIRS, in which /usr/local/share stands before /usr/share, so a local
# file replaces the packaged one of the same name.
# In fact: true of 2.11.  2.16 looks first into the folder that lies beside its own script, which is /usr/share/bash-completion,
# so the packaged file wins whatever XDG_DATA_DIRS says; only a user's own folder goes before it.
# Seen with: bash-completion 2.11 (Debian 12): "local"; 2.16.0 (Debian 13): "packaged"
# For users of xldump: there `xl-livedump` is completed, `xl livedump` is not.

. "$(dirname "$0")/lib.sh"

for v in bookworm=1:2.11-6 trixie=1:2.16.0-7; do
	root_of "${v%%=*}" "bash-completion=${v#*=}" bash
	for place in local packaged; do
		case $place in
		local) dir=$root/usr/local/share/bash-completion/completions ;;
		packaged) dir=$root/usr/share/bash-completion/completions ;;
		esac
		mkdir -p "$dir"
		# shellcheck disable=SC2016
		printf '_finding() { COMPREPLY=(%s); }\ncomplete -F _finding finding-tool\n' "$place" >"$dir/finding-tool"
	done
	cat >"$work/ask" <<-'END'
		. /usr/share/bash-completion/bash_completion
		for load in __load_completion _comp_load; do
			if declare -F $load >/dev/null; then $load finding-tool; break; fi
		done
		_finding && echo "${COMPREPLY[0]}"
	END
	out=$(inside "$root" bash ask 2>&1)
	rm "$root/usr/local/share/bash-completion/completions/finding-tool" "$dir/finding-tool"
	case $v in
	bookworm*) expect "2.11" '^local$' "$out" ;;
	trixie*) expect "2.16" '^packaged$' "$out" ;;
	esac
done
finish
