/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A guest made of numbers, its dump, and a look at the dump with libelf, which shares nothing with
 * the writer. */
#ifndef TESTS_ELF_GUEST_H
#define TESTS_ELF_GUEST_H

#include <gelf.h>

#include "format/format.h"

#define GUEST_FILE "guest.elf"

/* Setup and teardown of a group of tests: a new folder to work in, in memory if possible, for these
 * files have very many holes, and a file system that tells its disk of each takes its time. */
int guest_folder_enter(void **state);
int guest_folder_leave(void **state);

struct guest {
	uint64_t nr_pfns;
	struct xl_bitmap layout; /* what the format is told at first */
	uint32_t *version;       /* by pfn: contents put last; 0 is a page of zeros */
	struct xl_bitmap put;
	struct xl_cut cut;       /* cut.present is what must be in the file */
	uint32_t layout_vcpus;

	struct xl_ctx ctx;
	struct xl_sink *sink;
	struct xl_format *format;
	uint64_t file_bytes, disk_bytes;
};

/* No pages, `vcpus` online vCPUs with registers of their own. */
struct guest *guest_new(uint64_t nr_pfns, uint32_t vcpus);
void guest_free(struct guest *g);

/* Pages [first, first + n) in the layout and in the cut. */
void guest_ram(struct guest *g, xl_pfn_t first, uint64_t n);

void guest_open(struct guest *g, bool sections_only);

/* Any format, into GUEST_FILE unless g->sink is there already. */
void guest_open_as(struct guest *g, const struct xl_format_params *params);
void guest_put(struct guest *g, xl_pfn_t pfn, uint32_t version);

/* Every page of the layout that was not put yet, ascending; every `zero_every`th is zero. */
void guest_put_all(struct guest *g, unsigned zero_every);

/* Seal, commit, close. */
void guest_seal(struct guest *g);

/* The same of an ELF file; then everything that must hold of any file is checked. */
void guest_finish(struct guest *g);

void guest_page(xl_pfn_t pfn, uint32_t version, uint8_t page[4096]);

/* ---- a look at the file ---- */

struct look {
	int fd;
	Elf *elf;
	GElf_Ehdr ehdr;
	size_t phnum, shnum;
};

void look_open(struct look *l);
void look_close(struct look *l);

/* Bytes of the file. */
void look_read(const struct look *l, void *buf, size_t len, uint64_t offset);

/* Its header; -1 when there is no such section. */
int look_section(const struct look *l, const char *name, GElf_Shdr *ret);

/* The n-th note of a name in the PT_NOTE: malloced desc, or NULL. */
uint8_t *look_note(const struct look *l, const char *name, unsigned n, uint32_t *ret_type,
		   size_t *ret_size);

unsigned look_count_notes(const struct look *l, const char *name);

#endif
