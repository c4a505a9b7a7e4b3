/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a kdump-compressed file as crash, libkdumpfile and makedumpfile do, and more strictly: each
 * rule that one of them has is checked.  Written from their rules, without a line of the writer. */
#ifndef XLDUMP_READERS_KDUMP_H
#define XLDUMP_READERS_KDUMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct kdump {
	const unsigned char *file;
	uint64_t size;

	uint64_t max_mapnr, pages; /* pfns; and those of them that have a descriptor */
	const unsigned char *bitmap1, *bitmap2, *desc;
	uint64_t *rank; /* descriptors before each 4096th pfn, as crash counts them */
	uint64_t notes, notes_size, vmcoreinfo, vmcoreinfo_size;
	uint32_t status, nr_cpus;

	char error[256];
};

/* 0, or -1 with the reason in k->error.  kdump_close() is due either way.  The file stays the
 * caller's. */
int kdump_open(struct kdump *k, const void *file, uint64_t size);
void kdump_close(struct kdump *k);

bool kdump_is(const void *file, uint64_t size);
bool kdump_has(const struct kdump *k, uint64_t pfn);

struct kdump_desc {
	uint64_t offset;
	uint32_t size, flags;
};

/* Of a page that the file has. */
struct kdump_desc kdump_desc(const struct kdump *k, uint64_t pfn);

/* Contents of a page that the file has.  0, or -1 with the reason in k->error. */
int kdump_page(struct kdump *k, uint64_t pfn, unsigned char ret[4096]);

/* The n-th note of that name; NULL when there is none. */
const unsigned char *kdump_note(const struct kdump *k, const char *name, unsigned n,
				uint32_t *ret_type, uint32_t *ret_size);

/* ---- the flattened form ---- */

/* Whether the bytes begin such a stream. */
bool flat_is(const void *file, uint64_t size);

/* Put a stream together again, by makedumpfile's rules; also checked: it ends with its end record,
 * and with strict no byte is there twice.  A malloced file, or NULL with the reason in error. */
unsigned char *flat_read(const unsigned char *stream, uint64_t size, bool strict,
			 uint64_t *ret_size, char error[256]);

#endif
