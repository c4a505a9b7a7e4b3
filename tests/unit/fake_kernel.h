/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A small memory with what a Linux kernel leaves in it for dump tools: VMCOREINFO, utsname, page
 * tables, kallsyms.  Everything is where a field of struct fake says, so that a test can put it
 * wrong. */
#ifndef XLDUMP_TESTS_FAKE_KERNEL_H
#define XLDUMP_TESTS_FAKE_KERNEL_H

#include "base/bytes.h"
#include "guest/kernel.h"
#include "guest/vmcoreinfo.h"

#define FAKE_MEMORY ((size_t)12 << 20)

/* Physical places.  The image starts at 2 MiB. */
#define FAKE_TEXT_PA 0x200000
#define FAKE_UTS_PA 0x210000
#define FAKE_TABLES_PA 0x220000 /* one page per level, then one more */
#define FAKE_VARIABLES_PA 0x230000
#define FAKE_KALLSYMS_PA 0x240000
#define FAKE_TOKENS_PA 0x238000
#define FAKE_END_PA 0x500000
#define FAKE_VMCOREINFO_PFN 0x700
#define FAKE_NOTE_PFN 0x680

#define FAKE_XEN_START_INFO_PA (FAKE_VARIABLES_PA + 8)
#define FAKE_PAGE_OFFSET_BASE_PA (FAKE_VARIABLES_PA + 16)
#define FAKE_PANIC_CPU_PA (FAKE_VARIABLES_PA + 24)

enum fake_encoding {
	FAKE_NO_KALLSYMS,
	FAKE_PERCPU,
	FAKE_BASE_RELATIVE,
	FAKE_PLACE_RELATIVE,
	FAKE_ABSOLUTE,
};

struct fake {
	/* Set before fake_build(). */
	const char *release;
	uint64_t kaslr;
	int64_t phys_base;
	bool say_phys_base, say_uts_offset, say_l5;
	int l5;
	int uts_offset; /* of the names in init_uts_ns */
	uint64_t page_offset;
	bool pv;        /* tables hold frames that lead nowhere */
	enum fake_encoding encoding;
	bool only_text_symbols; /* no _end, no data, as without CONFIG_KALLSYMS_ALL */
	uint64_t mem_section;
	const char *more; /* lines of VMCOREINFO */

	uint64_t base;  /* physical address of mem; those above are relative to it */
	unsigned char *mem;
	char text[XL_VMCOREINFO_MAX + 4096];
	int reads;      /* reads until all fail; negative: never */

	uint64_t num_syms_pa, token_index_pa;
	size_t names_size;
	struct xl_candidates cand;
};

/* Of a place in the image. */
uint64_t fake_va(const struct fake *f, uint64_t pa);

/* xl_read_fn */
int fake_read(void *data, uint64_t paddr, void *buf, size_t len);

/* What a kernel of today has; to be changed before fake_build(), which writes all of it and looks for
 * candidates.  Free with fake_deinit(). */
void fake_defaults(struct fake *f);
void fake_build(struct fake *f);
void fake_deinit(struct fake *f);

/* Look for candidates again, after a change. */
void fake_look(struct fake *f);
void fake_look_into(const struct fake *f, struct xl_candidates *ret);

/* Append to the text of VMCOREINFO; put it there, as a note, or as the kernel's own page of text. */
_printf_(2, 3) void fake_say(struct fake *f, const char *fmt, ...);
void fake_note(struct fake *f, xl_pfn_t pfn);
void fake_text(struct fake *f, xl_pfn_t pfn);

/* An entry of a page table. */
void fake_entry(struct fake *f, uint64_t table, uint64_t index, uint64_t entry);

#endif
