#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# tests/circles finds circles and ties against the order of folders, put into a small tree,
# and finds none in this one.

here=$(cd "${top_srcdir:?}/tests" && pwd)
build=$(cd "${top_builddir:?}" && pwd)
# shellcheck source=tests/tap.sh
. "$here/tap.sh"
tmp=$(mktemp -d) || exit 99
trap 'rm -rf "$tmp"' EXIT
cd "$tmp" || exit 99
tap_why=out
"$here/circles" "$build" > out 2>&1
result $? 'no circle in this tree, and its folders in order'

mkdir -p libxldump/base libxldump/hv daemon/common

# put NAME: standard input is a file of the tree; a .c is compiled.
put() {
	cat > "$1" || exit 99
	case $1 in
	*.c) "${CC:-cc}" -Ilibxldump -c "$1" -o "${1%.c}.o" || exit 99 ;;
	esac
}

# finds STATUS PATTERN DESCRIPTION
finds() {
	"$here/circles" --source . . > out 2>&1
	[ $? -eq "$1" ] && grep -q -- "$2" out
	result $? "$3"
}

put libxldump/xldump.h < /dev/null
put libxldump/base/low.h <<- END
	int low(void);
	struct table { int (*high)(void); };
END
put libxldump/base/low.c <<- END
	#include "base/low.h"
	int low(void) { return 1; }
END
put libxldump/base/high.c <<- END
	#include "base/low.h"
	int high(void);
	static int up(void) { return low(); }
	const struct table table = { up };
	int high(void) { return table.high(); }
END
finds 0 '^0 circles of files, 0 ties' 'a table of functions is no circle'

put libxldump/base/low.c <<- END
	#include "base/low.h"
	int high(void);
	int low(void) { return high(); }
END
finds 1 '^circle of 2 files: libxldump/base/high.c libxldump/base/low.c$' 'two files that call each other'
finds 1 '^    libxldump/base/low.c -> libxldump/base/high.c: high$' 'and what ties them'

put libxldump/base/middle.c <<- END
	int high(void);
	int middle(void) { return high(); }
END
put libxldump/base/low.c <<- END
	int middle(void);
	int low(void) { return middle(); }
END
finds 1 '^circle of 3 files: .*high.c .*low.c .*middle.c$' 'three files in a ring'

put libxldump/base/low.c <<- END
	int low(void) { return 1; }
END
put libxldump/base/a.h <<- END
	#include "base/b.h"
END
put libxldump/base/b.h <<- END
	#include "base/a.h"
END
finds 1 '^circle of 2 headers: libxldump/base/a.h libxldump/base/b.h$' 'headers that include each other'
rm libxldump/base/[ab].h

put libxldump/hv/hv.h < /dev/null
put libxldump/base/middle.c <<- END
	#include "hv/hv.h"
END
finds 1 '^    libxldump/base/middle.c -> libxldump/hv/hv.h: #include$' 'a folder that includes one above it'
rm libxldump/base/middle.*

put libxldump/hv/seam.c <<- END
	int xldump_open(void), inner(void), low(void);
	int xldump_open(void) { return low(); }
	int inner(void) { return 1; }
END
put daemon/common/user.c <<- END
	int xldump_open(void);
	int user(void) { return xldump_open(); }
END
finds 0 '^0 circles of files, 0 ties' 'a program that uses the public API'
put daemon/common/user.c <<- END
	int inner(void);
	int user(void) { return inner(); }
END
finds 1 '^    daemon/common/user.c -> libxldump/hv/seam.c: inner$' 'a program that uses what is inside'
rm daemon/common/user.*

rm libxldump/base/low.o
finds 0 '^not judged.*: libxldump/base/low.c$' 'a file without an object'
find . -name '*.o' -delete
finds 1 'nothing is built' 'a tree that is not built'
plan
