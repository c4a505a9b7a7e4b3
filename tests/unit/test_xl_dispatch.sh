#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The dispatcher in front of xl, among made-up programs.  TAP on standard output.
# shellcheck disable=SC2016 # programs are written here, for another shell to expand
set -u

# shellcheck source=tests/tap.sh
. "${top_srcdir:-$(dirname "$0")/../..}/tests/tap.sh"
src=${top_srcdir:-$(dirname "$0")/../..}/contrib/xl-dispatch/xl.in
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
trap 'exit 99' HUP INT TERM
nl='
'
status=0 out='' err=''

program() { # PATH BODY
	mkdir -p "${1%/*}"
	printf '#!/bin/sh\n%s\n' "$2" >"$1"
	chmod +x "$1"
}

# The build does the same with the directories of the host.
dispatcher() { # PATH COMMAND_DIRS REAL_XLS
	mkdir -p "${1%/*}"
	sed -e "s|@command_dirs@|$2|" -e "s|@real_xls@|$3|" -e "1s|.*|#!$interpreter|" "$src" >"$1"
	chmod +x "$1"
}

# Brackets make blanks at the ends of lines visible; a dispatcher that runs itself never ends.
run() {
	status=0
	timeout 20 "$@" >"$dir/out" 2>"$dir/err" || status=$?
	out=$(sed 's/.*/[&]/' "$dir/out") err=$(cat "$dir/err")
}

report() { # RESULT NAME
	printf 'status %s\nstdout:\n%s\nstderr:\n%s\n' "$status" "$out" "$err" >"$dir/why"
	result "$1" "$label: $2" "$dir/why"
}

# What the last run printed and how it ended.
expect() { # NAME STATUS LINE...
	name=$1 want=$2
	shift 2
	[ "$status" -eq "$want" ] && [ "$out" = "$(printf '%s\n' "$@" | sed 's/.*/[&]/')" ]
	report $? "$name"
}

expect_error() { # NAME STATUS PATTERN
	# shellcheck disable=SC2254 # a pattern it is
	case $err in
	$3) [ "$status" -eq "$2" ] && [ -z "$out" ] ;;
	*) false ;;
	esac
	report $? "$1"
}

# Says who it is, by what name it was called, and its arguments.
show() {
	printf 'echo "%s ${0##*/} $#"\nfor a do printf "%%s\\n" "$a"; done\n' "$1"
}

make_host() {
	host=$dir/$label
	xl=$host/local/sbin/xl
	dirs="$host/inst $host/local/sbin"
	dispatcher "$xl" "$dirs" "$host/sbin/xl $xl $host/other/xl"
	# As Debian has it: a link to a script that goes by the name it was called by.
	program "$host/lib/wrapper" 'case ${1-} in
bogus) echo "command not implemented" >&2; exit 1 ;;
exit) exit "$2" ;;
cat) exec cat ;;
esac
'"$(show real)"
	mkdir -p "$host/sbin"
	ln -s ../lib/wrapper "$host/sbin/xl"
	program "$host/inst/xl-livedump" 'case ${1-} in
exit) exit "$2" ;;
cat) exec cat ;;
pid) echo "$$"; kill -TERM "$$" ;;
esac
'"$(show ours)"
}

test_arguments() {
	set -- 'two words' '' '"q"' "it's" "a${nl}b" '*' '$HOME' '\n' ' ' '-n' '--' "$nl" end
	run "$xl" livedump "$@"
	expect "arguments of xl-COMMAND are as given" 0 "ours xl-livedump $#" "$@"
	run "$xl" create "$@"
	expect "arguments of the real xl are as given" 0 "real xl $(($# + 1))" create "$@"
}

test_choice() {
	run "$xl" list -l
	expect "a command of xl" 0 "real xl 2" list -l
	run "$xl" livedump web01 core.img
	expect "xl-COMMAND" 0 "ours xl-livedump 2" web01 core.img
	run "$xl"
	expect "no arguments" 0 "real xl 0"
	for word in '' li livedum livedumps Livedump -x - --help ../inst/xl-livedump /bin/sh \
		'a b' '*' 'live*' '$(id)' "livedump$nl" .; do
		run "$xl" "$word"
		expect "\`$(printf %s "$word" | tr '\n' '|')' goes to the real xl" 0 "real xl 1" "$word"
	done
	run "$xl" bogus
	expect_error "the real xl's own error" 1 "command not implemented"
	program "$host/elsewhere/xl-evil" 'echo evil'
	run env -C "$host/elsewhere" PATH="$host/elsewhere:.:$PATH" "$xl" evil
	expect "neither PATH nor the current directory counts" 0 "real xl 1" evil
	mkdir -p "$host/inst/xl-folder"
	: >"$host/inst/xl-text"
	for word in folder text folder/../xl-livedump; do
		run "$xl" "$word"
		expect "xl-$word that is no program" 0 "real xl 1" "$word"
	done
	program "$host/local/sbin/xl-livedump" 'echo second'
	run "$xl" livedump
	expect "the first directory wins" 0 "ours xl-livedump 0"
}

test_global_options() {
	run "$xl" -v -f list
	expect "they reach the real xl" 0 "real xl 3" -v -f list
	run "$xl" -vtT -f livedump web01
	expect "xl-COMMAND gets -v alone" 0 "ours xl-livedump 2" -v web01
	run "$xl" -vfv -- livedump -v
	expect "-v counts, and -- ends them" 0 "ours xl-livedump 3" -v -v -v
	run "$xl" -N livedump web01
	expect_error "-N is refused as xl does" 1 "command does not implement -N*"
	run "$xl" -N create x
	expect "-N is the real xl's matter elsewhere" 0 "real xl 3" -N create x
	run "$xl" -z livedump
	expect "an unknown one goes to the real xl" 0 "real xl 2" -z livedump
	run "$xl" -v
	expect "and so do options without a command" 0 "real xl 1" -v
}

test_help() {
	run "$xl" help
	expect "help" 0 "real xl 1" help
	run "$xl" help list
	expect "help on a command of xl" 0 "real xl 2" help list
	run "$xl" help livedump
	expect "help on xl-COMMAND" 0 "ours xl-livedump 1" --help
	run "$xl" -v help livedump
	expect "help after a global option" 0 "ours xl-livedump 1" --help
}

test_process() {
	for code in 0 1 13 127 255; do
		run "$xl" exit "$code"
		expect_error "exit status $code of the real xl" "$code" ""
		run "$xl" livedump exit "$code"
		expect_error "exit status $code of xl-COMMAND" "$code" ""
	done
	for command in cat 'livedump cat'; do
		# shellcheck disable=SC2086 # two words
		printf 'a\\b  c\n' | run "$xl" $command
		# The pipe's end may have run in a shell of its own.
		status=0 out=$(sed 's/.*/[&]/' "$dir/out")
		expect "standard input of $command" 0 'a\b  c'
	done
	"$xl" livedump pid >"$dir/pid" 2>/dev/null &
	pid=$! status=0
	wait "$pid" 2>/dev/null || status=$?
	out=$(cat "$dir/pid") err=
	[ "$out" = "$pid" ] && [ "$status" -eq 143 ]
	report $? "it is the same process: a signal reaches xl-COMMAND, its end is seen"
}

# xl must be found without ever running a dispatcher again.
test_recursion() {
	ln -s "$xl" "$host/link"
	cp "$xl" "$host/copy"
	dispatcher "$host/all/xl" "$dirs" "$host/all/xl $host/link $host/copy $xl $host/sbin/xl"
	run "$host/all/xl" list
	expect "itself, a link to it and a copy of it are passed over" 0 "real xl 1" list
	mkdir -p "$host/bin"
	ln -s ../all/xl "$host/bin/xl"
	run env PATH="$host/bin:$PATH" xl list
	expect "called through a link in PATH" 0 "real xl 1" list
	mkdir -p "$host/order/xl"
	program "$host/later/xl" "$(show later)"
	: >"$host/plain"
	dispatcher "$host/order/sbin/xl" "$dirs" "$host/order/xl $host/plain $host/none $host/later/xl"
	run "$host/order/sbin/xl" list
	expect "the first that is a program" 0 "later xl 1" list
	dispatcher "$host/alone/xl" "$dirs" "$host/alone/xl $host/none/xl"
	run "$host/alone/xl" list
	expect_error "no real xl" 127 "xl: cannot find the real xl*$host/none/xl*"
	run "$host/alone/xl" livedump web01
	expect "xl-COMMAND runs all the same" 0 "ours xl-livedump 1" web01
}

# XLDUMP_SHELLS: others that may be /bin/sh somewhere.
for label in ${XLDUMP_SHELLS:-sh}; do
	interpreter=$(command -v "$label") || continue
	[ "$label" = busybox ] && interpreter="$interpreter sh"
	make_host
	test_choice
	test_arguments
	test_global_options
	test_help
	test_process
	test_recursion
done
plan
