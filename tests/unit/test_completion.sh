#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completion as a user gets it: keys typed into an interactive bash.  TAP on standard output.

# shellcheck source=tests/tap.sh
. "${top_srcdir:-$(dirname "$0")/../..}/tests/tap.sh"
src=${top_srcdir:-$(dirname "$0")/../..}/contrib/bash-completion
main=${BASH_COMPLETION_MAIN:-/usr/share/bash-completion/bash_completion}
if [[ ! -r $main ]]; then
	skip_all 'bash-completion is not installed'
fi
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
tap_why=$dir/why

# bash-completion 2.16 looks for completions beside its own script first: that of the machine may have
# some, too.
mkdir -p "$dir"/{local,dist}/bash-completion/completions "$dir/here" "$dir/bin" "$dir/start"
cp "$main" "$dir/dist/bash-completion/"
main=$dir/dist/bash-completion/${main##*/}
cp "$src"/{xl-livedump,xldumpctl,xldumpd} "$dir/local/bash-completion/completions/"
cp "$src/xl" "$dir/start/xldump"
touch "$dir/here/core.img" "$dir/here/other file" "$dir/here/web01 old"
mkdir "$dir/here/sub"
touch "$dir/here/sub/core2.img"

# What a distribution has: the command alone, with a blank after it of its own.
cat >"$dir/dist/bash-completion/completions/xl" <<'XL'
_xl()
{
	local IFS=$'\n'
	COMPREPLY=()
	((COMP_CWORD == 1)) && COMPREPLY=($(compgen -W $'list \nloadpolicy \ncreate ' -- "$2"))
}
complete -F _xl -o nospace -o default xl xen
XL

# Called with `list' these are the guests; else the arguments, to see what was completed.
cat >"$dir/bin/xl" <<'XL'
#!/bin/sh
if [ "$*" = list ]; then
	cat <<END
Name                                        ID   Mem VCPUs	State	Time(s)
Domain-0                                     0  2048     4     r-----     123.4
web01                                        3  4096     2     -b----       9.9
web02                                       14  4096     2     r-----    1234.5
odd name (1)                                15   128     1     --p---       0.0
END
	exit
fi
if [ "$*" = status ]; then
	cat <<END
SINCE                STATE      TRIGGER  REQUEST               GUEST             FILE, ERROR OR PROGRESS
2026-11-21 17:25:00  done       request  ctl-0                 web01             /var/lib/xldump/dumps/a
2026-11-21 17:25:01  running    request  ctl-1                 odd name (1)      copy 0 1 2
2026-11-21 17:25:02  queued     timer    ctl-2                 web02
END
	exit
fi
if [ "$*" = "list --no-legend" ]; then
	cat <<END
2026-11-21 17:25:00  web01             request  6.1.0                        1.0 MiB  web01-20261121T172500Z-000001.kdump
2026-11-21 17:25:01  db (1)            crash    -                           12.0 MiB  db-20261121T172501Z-000002.elf
2026-11-21 17:25:02  web01             timer    6.1.0                          512 B  web01-20261121T172502Z-000003.elf
-                    -                 -        -                           12.0 MiB  lost.elf
END
	exit
fi
if [ "$*" = "list --no-legend --spool=sub" ]; then
	echo '2026-11-21 17:25:00  a name of more than 16    panic    6.1.0   1.0 MiB  a-20261121T172500Z-000001.kdump'
	exit
fi
printf 'GOT'
printf '|%s' "$@"
echo
XL
ln -s xl "$dir/bin/xl-livedump"
ln -s xl "$dir/bin/xldumpctl"
ln -s xl "$dir/bin/xldumpd"
chmod +x "$dir/bin/xl"

# Output of one line typed, as the program got it.  \e* inserts all completions, \t one.
typed() {
	printf '. %q\n%b\nexit\n' "$main" "$1" |
		(cd "$dir/here" && env -i HOME="$dir" PATH="$dir/bin:$PATH" TERM=dumb PS1= \
			XDG_DATA_DIRS="$dir/local:$dir/dist" BASH_COMPLETION_COMPAT_DIR="$dir/start" \
			INPUTRC=/dev/null timeout 20 bash --norc --noprofile -i 2>/dev/null) |
		sed -n 's/^GOT|//p' | tail -n 1
}

expect() { # NAME KEYS WANT
	local got

	got=$(typed "$2")
	printf 'typed: %s\ngot:  %s\nwant: %s\n' "$2" "$got" "$3" >"$dir/why"
	[[ $got == "$3" ]]
	result $? "$1"
}

both() { # NAME KEYS WANT: as xl livedump and as xl-livedump
	expect "xl-livedump: $1" "xl-livedump $2" "$3"
	expect "xl livedump: $1" "xl livedump $2" "livedump|$3"
}

both "domains" '\e*' 'odd name (1)|web01|web02'
both "domains by their start" 'web\e*' 'web01|web02'
both "a domain, and a blank after it" 'web01\tx' 'web01|x'
both "a name to be quoted" 'od\tx' 'odd name (1)|x'
both "no such domain: no files either" 'co\tx' 'cox'
both "a file" 'web01 co\tx' 'web01|core.img|x'
both "a file to be quoted" 'web01 ot\tx' 'web01|other file|x'
both "nothing after the file" 'web01 core.img we\tx' 'web01|core.img|wex'
both "options" '--\e*' '--compress=|--daemon|--dump-level=|--estimate|--force|--format=|--help|--json|--max-pause=|--max-rounds=|--on-overrun=|--quiet|--strategy=|--symbols=|--threads=|--verbose|--version'
both "an option with a value: no blank" '--forma\tx' '--format=x'
both "an option without: a blank" '--forc\tx' '--force|x'
both "formats" '--format \e*' '--format|elf|kdump|xencore|xencore-raw'
both "a format after =" '--format=k\ty' '--format=kdump|y'
both "a format after -f" '-f e\ty' '-f|elf|y'
both "codecs" '-f kdump -c \e*' '-f|kdump|-c|lzo|none|snappy|zlib|zstd'
both "a codec after =" '--compress=zs\ty' '--compress=zstd|y'
both "a domain after a number of threads" '-c zlib -j 4 web01\tx' '-c|zlib|-j|4|web01|x'
both "strategies" '-s \e*' '-s|auto|precopy|rescan|still|stop'
both "a strategy after =" '--strategy=st\e*' '--strategy=still|stop'
both "a domain after options" '-v --format=elf -s stop --force web01\tx' \
	'-v|--format=elf|-s|stop|--force|web01|x'
both "a file after options" '-p 50 --max-rounds 3 web01 co\tx' '-p|50|--max-rounds|3|web01|core.img|x'
both "a format stuck to -f" '-felf web01 co\tx' '-felf|web01|core.img|x'
both "a file of symbols" '--symbols co\tx' '--symbols|core.img|x'
both "a domain after symbols" '--symbols=map web01\tx' '--symbols=map|web01|x'
both "--daemon: no file" '--daemon web01 co\tx' '--daemon|web01|cox'
both "after --" '-- web01 co\tx' '--|web01|core.img|x'
expect "xl: the commands of the distribution and ours" 'xl \e*' 'create|list|livedump|loadpolicy'
expect "xl: ours by its start, and a blank" 'xl liv\tx' 'livedump|x'
expect "xl: another's by its start, and a blank" 'xl cre\tx' 'create|x'
expect "xl: other commands are the distribution's" 'xl create co\tx' 'create|core.imgx'
expect "xl: global options before livedump" 'xl -vT livedump web01 co\tx' \
	'-vT|livedump|web01|core.img|x'
expect "xl: still so on the second use" 'xl list\t\nxl livedump web01\tx' 'livedump|web01|x'
mv "$dir/dist/bash-completion/completions/xl" "$dir/start/xl"
expect "xl: a distribution's that is loaded at the start" 'xl \e*' 'create|list|livedump|loadpolicy'
expect "xl: the same, and ours" 'xl livedump web01\tx' 'livedump|web01|x'
rm "$dir/start/xl"
expect "xl: without a distribution's" 'xl liv\tx' 'livedump|x'
expect "xl: without a distribution's, other commands" 'xl create co\tx' 'create|core.img|x'
expect "xldumpctl: commands" 'xldumpctl \e*' '--help|--version|cancel|convert|debug|dmesg|info|list|reassemble|request|rm|status|verify|watch'
expect "xldumpctl: a command, and a blank" 'xldumpctl ve\tx' 'verify|x'
expect "xldumpctl: options of a command" 'xldumpctl debug --\e*' 'debug|--allow-damage|--drgn|--help|--kernel=|--print|--spool='
expect "xldumpctl: a file" 'xldumpctl info --json co\tx' 'info|--json|core.img|x'
expect "xldumpctl: a file to be quoted" 'xldumpctl verify ot\tx' 'verify|other file|x'
expect "xldumpctl: a format" 'xldumpctl convert -f xencore-\tx' 'convert|-f|xencore-raw|x'
expect "xldumpctl: a format after =" 'xldumpctl convert --format=k\tx' 'convert|--format=kdump|x'
expect "xldumpctl request: a domain" 'xldumpctl request web01\tx' 'request|web01|x'
expect "xldumpctl request: a name to be quoted" 'xldumpctl request -q od\tx' 'request|-q|odd name (1)|x'
expect "xldumpctl request: a strategy" 'xldumpctl request -s re\tx' 'request|-s|rescan|x'
expect "xldumpctl cancel: a request that is not over" 'xldumpctl cancel \e*' 'cancel|ctl-1|ctl-2'
expect "xldumpctl rm: a dump" 'xldumpctl rm \e*' 'rm|db-20261121T172501Z-000002.elf|lost.elf|web01-20261121T172500Z-000001.kdump|web01-20261121T172502Z-000003.elf'
expect "xldumpctl list: options" 'xldumpctl list --\e*' 'list|--help|--json|--no-legend|--reverse|--since=|--spool=|--until='
expect "xldumpctl list: a time" 'xldumpctl list -S to\tx' 'list|-S|today|x'
expect "xldumpctl list: a time after =" 'xldumpctl list --until=y\tx' 'list|--until=yesterday|x'
expect "xldumpctl list: guests and dumps" 'xldumpctl list -r web\e*' 'list|-r|web01|web01-20261121T172500Z-000001.kdump|web01-20261121T172502Z-000003.elf'
expect "xldumpctl: files, guests and dumps" 'xldumpctl info \e*' 'info|core.img|db (1)|db-20261121T172501Z-000002.elf|lost.elf|other file|sub|web01|web01 old|web01-20261121T172500Z-000001.kdump|web01-20261121T172502Z-000003.elf'
for command in info verify dmesg debug; do
	expect "xldumpctl $command: a dump, and a blank" "xldumpctl $command db-\\tx" "$command|db-20261121T172501Z-000002.elf|x"
done
expect "xldumpctl: a guest to be quoted" 'xldumpctl info db\\ \tx' 'info|db (1)|x'
expect "xldumpctl: a file beside dumps that begin so, too" 'xldumpctl info --json web01\\ \tx' 'info|--json|web01 old|x'
expect "xldumpctl: a file in a folder" 'xldumpctl info sub/\tx' 'info|sub/core2.img|x'
expect "xldumpctl: a folder" 'xldumpctl info su\tx' 'info|sub/x'
expect "xldumpctl debug: a kernel is a file" 'xldumpctl debug -n web01 \e*' 'debug|-n|web01|core.img|other file|sub|web01 old'
expect "xldumpctl: one dump" 'xldumpctl info web01 \e*x' 'info|web01|x'
expect "xldumpctl: another folder of dumps" 'xldumpctl info --spool=s\tx' 'info|--spool=sub/x'
expect "xldumpctl: that is no file" 'xldumpctl list --spool=c\tx' 'list|--spool=cx'
expect "xldumpctl: what is in it" 'xldumpctl info --spool=sub a\e*' 'info|--spool=sub|a name of more than 16|a-20261121T172500Z-000001.kdump'
expect "xldumpctl: the same without =" 'xldumpctl debug --spool sub a-\tx' 'debug|--spool|sub|a-20261121T172500Z-000001.kdump|x'
expect "xldumpctl: behind --" 'xldumpctl debug core.img -- co\tx' 'debug|core.img|--|core.img|x'
expect "xldumpd: options" 'xldumpd \e*' '--check-config|--config=|--help|--libxl-dir=|--state-dir=|--version'
expect "xldumpd: an option, and a blank" 'xldumpd --ch\tx' '--check-config|x'
expect "xldumpd: an option with a value: no blank" 'xldumpd --st\tx' '--state-dir=x'
expect "xldumpd: a file" 'xldumpd -t -c co\tx' '-t|-c|core.img|x'
expect "xldumpd: a file after =" 'xldumpd --config=ot\tx' '--config=other file|x'
expect "xldumpd: a folder after =" 'xldumpd --state-dir=\tx' '--state-dir=sub/x'
expect "xldumpd: a folder" 'xldumpd --libxl-dir s\tx' '--libxl-dir|sub/x'
expect "xldumpd: nothing else" 'xldumpd co\tx' 'cox'
plan
