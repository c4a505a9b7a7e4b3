/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes tiny dumps for the tests of the readers. */
#ifndef XLDUMP_READERS_FAKE_CORE_H
#define XLDUMP_READERS_FAKE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_PAGE 4096
#define FAKE_PAGES 64
#define FAKE_SLOTS 512 /* of a raw file: pages, rounded up */
#define FAKE_CONTEXT 5168
#define FAKE_VCPUS 8

enum fake_kind {
	FAKE_HYBRID,   /* program headers and sections */
	FAKE_SECTIONS, /* the sections of it alone */
	FAKE_XL_PV,    /* what xl dump-core writes: raw, with .xen_p2m */
	FAKE_RAW,      /* raw, with a dense .xen_p2m */
	FAKE_LOADS,    /* program headers alone */
};

struct fake_core {
	unsigned char page[FAKE_PAGES][FAKE_PAGE]; /* index is the pfn */
	bool hole[FAKE_PAGES];
	uint64_t mfn[FAKE_PAGES];
	uint64_t cr3;
	uint64_t user_cr3; /* of vCPU 0, which is in user mode; 0: it is not */
	bool narrow;       /* a 32-bit PV guest */
	bool la57;         /* five levels of page tables */
	size_t vcpus;      /* 0: one */
	bool offline[FAKE_VCPUS];
	bool pv; /* with .xldump_tables and, if canonical, .xldump_p2m and .xldump_edits */
	struct { uint64_t pfn, level; } table[16];
	size_t tables;
	struct { uint64_t paddr, old; } edit[16];
	size_t edits;
};

void fake_core_put64(unsigned char *at, uint64_t v);
void fake_core_write(const struct fake_core *f, enum fake_kind kind, const char *path);

#endif
