/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inputs written as text.
 *
 *	# a comment, to the end of the line
 *	seed NAME         begins an input; all that follows belongs to it
 *	00 ff 1234        bytes, two digits each
 *	b:1 w:2 d:-3 q:4  numbers of 1, 2, 4 and 8 bytes, little endian; C's notations
 *	b3:0x10000        one of 3 bytes
 *	"text\n\e\0\"\\"  characters
 *	512*00            any of these, repeated
 *	len( ... )        what is inside, behind its length as w: */
#ifndef XLDUMP_TESTS_FUZZ_SEEDS_H
#define XLDUMP_TESTS_FUZZ_SEEDS_H

#include <stddef.h>
#include <stdint.h>

struct seed {
	char name[64];
	uint8_t *data;
	size_t len;
};

struct seeds {
	struct seed *seed;
	size_t n;
};

/* 0, or a negative errno after it has been complained about on standard error. */
int seeds_load(const char *path, struct seeds *ret);
void seeds_deinit(struct seeds *s);

/* Each into a file of its own in an existing folder. */
int seeds_write(const struct seeds *s, const char *folder);

#endif
