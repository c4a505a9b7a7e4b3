# SPDX-License-Identifier: GPL-2.0-or-later
# Turn schema.list into a C header (what=header) or into mdoc for the manual page (what=mdoc).
BEGIN { FS = "\t" }

/^#/ || NF < 4 { next }

$1 == "root" {
	root = $3
	if (what == "header") {
		print "/* Made by generate.awk from schema.list. */"
		print "#ifndef XLDUMP_SCHEMA_H"
		print "#define XLDUMP_SCHEMA_H"
		print ""
		print "#define XD_STORE_ROOT \"" root "\""
	}
	next
}

what == "header" {
	n = split($3, part, "/")
	if ($3 ~ /ID/)
		print "#define XD_NODE_" $1 " \"" part[n] "\" /* " $3 " */"
	else
		print "#define XD_STORE_" $1 " XD_STORE_ROOT \"/" $3 "\""
}

what == "mdoc" {
	text = $4
	gsub(/\. /, ".\n", text)
	list[$2] = list[$2] ".It Pa " $3 "\n" text "\n"
}

function print_list(title, items) {
	printf ".Ss %s\n.Bl -tag -width Ds\n%s.El\n", title, items
}

END {
	if (what == "header") {
		print ""
		print "#endif"
	} else {
		print_list("Nodes that the client writes", list["-"] list["c"])
		print_list("Nodes that the daemon writes", list["d"])
	}
}
