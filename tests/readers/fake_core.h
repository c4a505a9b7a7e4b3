/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes tiny dumps for the tests of the readers, right and wrong ones. */
#ifndef XLDUMP_READERS_FAKE_CORE_H
#define XLDUMP_READERS_FAKE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FAKE_PAGE 4096
#define FAKE_PAGES 64
#define FAKE_CONTEXT 5168

enum fake_kind {
	FAKE_HYBRID,   /* program headers and sections */
	FAKE_SECTIONS, /* the sections of it alone */
	FAKE_XL_PV,    /* what xl dump-core writes: raw, with .xen_p2m */
	FAKE_LOADS,    /* program headers alone */
};

/* What a run of fake_core_write() can get wrong, for one rule each. */
enum fake_fault {
	FAKE_FINE,
	FAKE_ALIGN,        /* p_align of the first PT_LOAD is set */
	FAKE_ONE_LOAD,
	FAKE_NOTE_LAST,    /* PT_NOTE is not the first */
	FAKE_MEMSZ,        /* p_filesz < p_memsz */
	FAKE_PID,          /* pr_pid is the number of the CPU */
	FAKE_NO_INFO,      /* no VMCOREINFO */
	FAKE_XEN_NAME,     /* a private note named Xen */
	FAKE_NR_PAGES,     /* HEADER promises more pages */
	FAKE_PFN_TAIL,     /* .xen_pfn ends with ~0 */
	FAKE_CAPS,         /* capabilities without x86_64 */
	FAKE_FIFTH_NOTE,   /* something else in .note.Xen */
	FAKE_SHARED_NAME,  /* names not in the order of the sections */
	FAKE_CR3,          /* vCPU 0 does not map the kernel */
	FAKE_FAULTS
};

struct fake_core {
	unsigned char page[FAKE_PAGES][FAKE_PAGE]; /* index is the pfn */
	bool hole[FAKE_PAGES];
	uint64_t mfn[FAKE_PAGES];
	uint64_t cr3;
	bool pv; /* canonical: with .xldump_p2m, .xldump_tables, .xldump_edits */
	struct { uint64_t pfn, level; } table[16];
	size_t tables;
	struct { uint64_t paddr, old; } edit[16];
	size_t edits;
};

void fake_core_put64(unsigned char *at, uint64_t v);
void fake_core_write(const struct fake_core *f, enum fake_kind kind, enum fake_fault fault,
		     const char *path);

#endif
