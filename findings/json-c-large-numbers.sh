#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# json-c makes another number of an integer that it cannot hold, without an error.
#
# Guessed: an integer beyond 64 bits is an error of the parser, or becomes a double as in other libraries; and asking for an
# int64 of a number that is larger than one sets errno.
# In fact: 18446744073709551616 is parsed as 18446744073709551615, and json_object_get_int64() of that gives
# 9223372036854775807; errno stays as it was up to 0.18, and 0.19 sets ERANGE.  The parser reports nothing in any of them.
# Seen with: json-c 0.16 (Debian 12), 0.18 (13), 0.19 (sid): 18446744073709551615, 9223372036854775807, errno 0, 0, 34
# For users of xldump: the numbers in its JSON (bytes, nanoseconds, pfns) are far below.

. "$(dirname "$0")/lib.sh"

cat >"$work/json.py" <<'END'
import ctypes
json = ctypes.CDLL("libjson-c.so.5", use_errno=True)
json.json_tokener_parse.restype = ctypes.c_void_p
json.json_object_to_json_string.restype = ctypes.c_char_p
json.json_object_to_json_string.argtypes = [ctypes.c_void_p]
json.json_object_get_int64.restype = ctypes.c_int64
json.json_object_get_int64.argtypes = [ctypes.c_void_p]
o = json.json_tokener_parse(b"18446744073709551616")
ctypes.set_errno(0)
n = json.json_object_get_int64(o)
print(json.json_object_to_json_string(o).decode(), n, "errno", ctypes.get_errno())
END
while read -r suite version errno; do
	root_of "$suite" "libjson-c5=$version" python3
	expect "$version" "^18446744073709551615 9223372036854775807 errno $errno\$" \
		"$(inside "$root" python3 json.py 2>&1 </dev/null)"
done <<'END'
bookworm 0.16-2 0
trixie 0.18+ds-1 0
sid 0.19+ds-1 34
END
finish
