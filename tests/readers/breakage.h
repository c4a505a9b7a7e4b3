/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is done to a dump that is right to break one rule of its format. */
#ifndef XLDUMP_READERS_BREAKAGE_H
#define XLDUMP_READERS_BREAKAGE_H

#include <stddef.h>
#include <stdint.h>

/* Files that are right, of test_rules.c. */
enum good { PVH, HVM, LA57, PV, SECTIONS, PV_SECTIONS, RAW, NARROW, NARROW_RAW, GOODS };

/* Where bytes are. */
enum base {
	END,     /* of the list */
	EHDR,
	PHDR,    /* program header number `nth` */
	SHDR,    /* section header of the section `name` */
	SECTION, /* the section `name` itself */
	NOTE,    /* head of the nth note `name` of the PT_NOTE */
	TEXT,    /* its description */
	XEN,     /* head of the nth note of .note.Xen, whatever its name */
	XENTEXT, /* its description */
};

/* `size` bytes at `at` of the base become `value`, or that much more if `add`. */
struct patch {
	enum base base;
	const char *name;
	unsigned nth;
	uint64_t at;
	unsigned size;
	uint64_t value;
	int add;
};

/* A file in memory. */
struct bytes {
	unsigned char *data;
	size_t size, room;
};

#define PATCHES 6

struct breakage {
	const char *rule; /* how the rule's text begins */
	const char *also; /* beginnings of others that cannot but break with it, with | between */
	enum good good;
	struct patch patch[PATCHES];
	void (*more)(struct bytes *b); /* what takes more than patches; NULL */
};

extern const struct breakage breakage[];
extern const size_t breakages;

void breakage_apply(const struct breakage *b, const char *path);

#endif
