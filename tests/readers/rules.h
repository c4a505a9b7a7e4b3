/* SPDX-License-Identifier: GPL-2.0-or-later */
/* format-check: what its files share. */
#ifndef XLDUMP_READERS_RULES_H
#define XLDUMP_READERS_RULES_H

#include "core.h"

/* One line per rule: "ok", "VIOLATED" or "-" where it does not apply.  Returns what it was told. */
__attribute__((format(printf, 2, 3))) bool rule(bool holds, const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void not_applicable(const char *fmt, ...);

struct note {
	uint32_t namesz, descsz, type;
	const char *name;
	const unsigned char *desc;
	uint64_t end; /* within the stretch, without padding after the description */
};

/* The note at *at in a stretch of notes, and step over it; name and description are each padded to
 * 4 bytes.  false at the end; *at is then the size, unless a note is cut off. */
bool next_note(const struct part *notes, uint64_t *at, struct note *ret);
bool note_is(const struct note *n, const char *name);

/* Rules of the program headers and their notes; false when there are none. */
bool check_segments(const struct core *c);
/* Rules of the Xen sections. */
void check_sections(const struct core *c);
/* Rules of what is in the notes of the program headers. */
void check_kdump_notes(const struct core *c, const struct part *notes);

/* A number in a VMCOREINFO text. */
bool info_number(const char *text, const char *key, int base, uint64_t *ret);
/* Whether the tables at cr3 map a kernel address to where VMCOREINFO has it. */
bool maps_kernel(const struct core *c, const char *text, uint64_t cr3, bool la57);

#endif
