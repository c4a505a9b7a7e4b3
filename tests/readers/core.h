/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Opens a memory dump for the programs that judge dumps: ours with program headers and Xen
 * sections or with the sections alone, xl dump-core's, any ELF with PT_LOAD; kdump-compressed, of
 * which the pages are unpacked into memory; and the flattened form of any of them.
 *
 * Written from the formats, without a line of the writer.  The file is mapped, nothing in it is
 * believed: every offset and size is checked before it is used.
 */
#ifndef XLDUMP_READERS_CORE_H
#define XLDUMP_READERS_CORE_H

#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE 4096ULL
#define NO_FRAME (~0ULL)

/* struct vcpu_guest_context of x86_64 and places in it (xen/include/public/arch-x86/xen.h). */
#define CONTEXT_SIZE 5168
#define CONTEXT_RIP 648
#define CONTEXT_RSP 672
#define CONTEXT_CR0 4984
#define CONTEXT_CR1 4992 /* PV: the page table of user mode */
#define CONTEXT_CR3 5008
#define CONTEXT_CR4 5016

/* The same of x86_32 (xen-x86_32.h): numbers of 4 bytes.  xl dump-core has it in as many bytes as the
 * other one. */
#define CONTEXT32_CR3 2728

/* A section or another stretch of the file; no bytes when it is not there. */
struct part {
	const unsigned char *bytes;
	uint64_t offset, size, entsize;
};

struct page {
	uint64_t pfn;
	uint64_t mfn;    /* what .xen_p2m says; NO_FRAME elsewhere */
	uint64_t offset; /* in the file */
};

struct core {
	const char *path;
	int fd;
	const unsigned char *file; /* of a kdump-compressed one: its pages, unpacked */
	uint64_t size;
	Elf *elf;   /* NULL if it is kdump-compressed */
	bool kdump;
	bool narrow; /* of a 32-bit PV guest: for that machine, and sections alone */
	void *freed; /* flattened: the file that was put together again */

	struct page *page; /* ascending by pfn; doubles in the order of the file */
	size_t pages;

	struct part vcpus;  /* .xen_prstatus */
	struct part p2m;    /* .xldump_p2m: {pfn, mfn, count} */
	struct part edits;  /* .xldump_edits: {paddr, old value} */
	struct part tables; /* .xldump_tables: {pfn, level} */

	char error[256];
};

/* 0, or -1 with the reason in c->error.  core_close() is due either way. */
int core_open(struct core *c, const char *path);
void core_close(struct core *c);

/* The page, or NULL when the dump has none with this number. */
const unsigned char *core_page(const struct core *c, uint64_t pfn);
const struct page *core_find(const struct core *c, uint64_t pfn);

/* A section by name; its size is 0 when there is none. */
struct part core_section(const struct core *c, const char *name);

size_t core_vcpus(const struct core *c);
uint64_t core_register(const struct core *c, size_t vcpu, size_t offset);

/* The address of the root of its page tables, of either width; 0 when it is offline. */
uint64_t core_root(const struct core *c, size_t vcpu);

uint64_t le64(const void *p);
uint32_t le32(const void *p);

#endif
