/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rules of a dump as the kdump tools read it: program headers and their notes, as QEMU's
 * dump-guest-memory writes them. */
#include <gelf.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rules.h"

#define START_KERNEL_MAP 0xffffffff80000000ULL
#define PRSTATUS_SIZE 336 /* struct elf_prstatus of x86_64; pr_pid at 32, pr_reg at 112 */
#define PRSTATUS_RIP (112 + 16 * 8)
#define QEMU_SIZE 440 /* QEMUCPUState with kernel_gs_base; cr0..cr4 at 392 */
#define QEMU_CR3 (392 + 3 * 8)

/* Types by which crash decides before it looks at the name (netdump.c dump_Elf64_Nhdr()). */
static bool type_is_taken(uint32_t type)
{
	return type == 1 || type == 3 || type == 4 || type == 6 || type == 0x10000001 ||
	       type == 0x1000001 || type == 0x1000002;
}

static char *text_of(const struct note *n)
{
	return strndup((const char *)n->desc, n->descsz);
}

static void check_vmcoreinfo(const struct core *c, const struct note *n)
{
	char *text = text_of(n);
	uint64_t v;

	if (!text)
		abort();
	rule(strncmp(text, "OSRELEASE=", 10) == 0, "drgn: VMCOREINFO has OSRELEASE");
	rule(info_number(text, "PAGESIZE", 10, &v) && v == PAGE,
	     "drgn: VMCOREINFO has PAGESIZE 4096");
	rule(info_number(text, "SYMBOL(swapper_pg_dir)", 16, &v),
	     "drgn: VMCOREINFO has SYMBOL(swapper_pg_dir)");
	rule(*text && text[strlen(text) - 1] == '\n', "all: VMCOREINFO ends with a newline");
	if (core_vcpus(c))
		rule(maps_kernel(c, text, core_register(c, 0, CONTEXT_CR3),
				 core_register(c, 0, CONTEXT_CR4) >> 12 & 1),
		     "mdb: cr3 of vCPU 0 in .xen_prstatus maps the kernel");
	free(text);
}

static bool all_zero(const unsigned char *b, size_t n)
{
	while (n && !*b)
		b++, n--;
	return !n;
}

/* Registers are told three times: in NT_PRSTATUS, in the QEMU note, in .xen_prstatus. */
static void check_agreement(const struct core *c, const struct note *prstatus, size_t nprstatus,
			    const struct note *qemu, size_t nqemu)
{
	bool rip = true, cr3 = true;

	for (size_t i = 0; i < core_vcpus(c); i++) {
		if (i < nprstatus && prstatus[i].descsz == PRSTATUS_SIZE)
			rip = rip && le64(prstatus[i].desc + PRSTATUS_RIP) ==
					     core_register(c, i, CONTEXT_RIP);
		/* Not of vCPU 0: mdb takes that one for the root of the kernel, so it has one of the
		 * kernel's if the vCPU was caught in user mode; the rule above is about it. */
		if (i > 0 && i < nqemu && qemu[i].descsz >= QEMU_CR3 + 8)
			cr3 = cr3 && le64(qemu[i].desc + QEMU_CR3) ==
					     core_register(c, i, CONTEXT_CR3);
	}
	if (!core_vcpus(c))
		return;
	rule(rip, "all: rip of NT_PRSTATUS is that of .xen_prstatus");
	rule(cr3, "all: cr3 of the QEMU notes is that of .xen_prstatus, but for vCPU 0");
}

static void check_cpu_notes(const struct core *c, const struct note *prstatus, size_t nprstatus,
			    const struct note *qemu, size_t nqemu)
{
	bool size = true, pid = true, version = true;

	for (size_t i = 0; i < nprstatus; i++) {
		size = size && prstatus[i].descsz == PRSTATUS_SIZE;
		pid = pid && prstatus[i].descsz == PRSTATUS_SIZE &&
		      (le32(prstatus[i].desc + 32) == i + 1 ||
		       all_zero(prstatus[i].desc, PRSTATUS_SIZE));
	}
	rule(nprstatus > 0 && size, "gdb: NT_PRSTATUS notes of %d bytes (%zu)", PRSTATUS_SIZE,
	     nprstatus);
	rule(pid, "drgn: pr_pid of CPU n is n + 1");
	for (size_t i = 0; i < nqemu; i++)
		version = version && qemu[i].descsz >= QEMU_SIZE && le32(qemu[i].desc) == 1 &&
			  le32(qemu[i].desc + 4) == qemu[i].descsz;
	rule(nqemu == nprstatus, "crash: a QEMU note for each NT_PRSTATUS (%zu, %zu)", nqemu,
	     nprstatus);
	rule(version, "elf2dmp: QEMU notes are of version 1 and have kernel_gs_base");
	rule(core_vcpus(c) == 0 || nprstatus <= core_vcpus(c),
	     "crash: no more NT_PRSTATUS than vCPUs");
	check_agreement(c, prstatus, nprstatus, qemu, nqemu);
}

#define MAX_CPUS 8192

void check_kdump_notes(const struct core *c, const struct part *notes)
{
	struct note *prstatus = calloc(MAX_CPUS, sizeof(*prstatus));
	struct note *qemu = calloc(MAX_CPUS, sizeof(*qemu)), n, info = { 0 };
	size_t nprstatus = 0, nqemu = 0, ninfo = 0;
	bool ordered = true, safe = true, zero_terminated = true;
	uint64_t at = 0;
	int phase = 0;

	if (!prstatus || !qemu)
		abort();
	while (next_note(notes, &at, &n)) {
		int now = 3;

		zero_terminated = zero_terminated && n.namesz && n.name[n.namesz - 1] == '\0';
		if (note_is(&n, "CORE") && n.type == 1 && nprstatus < MAX_CPUS) {
			prstatus[nprstatus++] = n;
			now = 0;
		} else if (note_is(&n, "QEMU") && n.type == 0 && nqemu < MAX_CPUS) {
			qemu[nqemu++] = n;
			now = 1;
		} else if (note_is(&n, "VMCOREINFO") && n.type == 0) {
			info = n;
			ninfo++;
			now = 2;
		} else {
			safe = safe && !type_is_taken(n.type) && n.namesz >= 1 &&
			       strncmp(n.name, "Xen", 3) != 0 && strncmp(n.name, "XEN", 3) != 0;
		}
		ordered = ordered && now >= phase;
		phase = now;
	}
	rule(at == notes->size, "all: notes fill the PT_NOTE segment");
	rule(zero_terminated, "all: names of notes end with NUL");
	rule(ordered, "qemu: first all NT_PRSTATUS, then all QEMU, then VMCOREINFO, then others");
	rule(safe, "crash: other notes have types and names that mean nothing to it");
	check_cpu_notes(c, prstatus, nprstatus, qemu, nqemu);
	rule(ninfo == 1, "drgn: one VMCOREINFO note");
	if (ninfo)
		check_vmcoreinfo(c, &info);
	free(prstatus);
	free(qemu);
}

struct loads {
	size_t n, notes, first_is_note;
	uint64_t lowest; /* file offset of pages */
	bool align, size, order, aligned, inside, vaddr;
	uint64_t end, map, image;
	bool has_map, has_image, any_paddr;
};

/* drgn and gdb read by p_vaddr: the kernel image and the direct map, each moved by one constant;
 * 0 is "not known". */
static void check_vaddr(struct loads *l, const GElf_Phdr *ph)
{
	uint64_t delta = ph->p_vaddr - ph->p_paddr;

	if (ph->p_vaddr >= START_KERNEL_MAP) {
		l->vaddr = l->vaddr && (!l->has_image || l->image == delta);
		l->image = delta;
		l->has_image = true;
	} else if (ph->p_vaddr && ph->p_vaddr != ph->p_paddr) {
		l->vaddr = l->vaddr && (!l->has_map || l->map == delta) &&
			   ph->p_vaddr >= 0xff00000000000000ULL;
		l->map = delta;
		l->has_map = true;
	}
}

static void check_load(const struct core *c, struct loads *l, const GElf_Phdr *ph)
{
	l->n++;
	l->lowest = ph->p_offset < l->lowest ? ph->p_offset : l->lowest;
	l->align = l->align && ph->p_align == 0;
	l->size = l->size && ph->p_filesz == ph->p_memsz && ph->p_filesz > 0;
	l->order = l->order && ph->p_paddr >= l->end;
	l->end = ph->p_paddr + ph->p_memsz;
	l->aligned = l->aligned && !(ph->p_offset % PAGE) && !(ph->p_paddr % PAGE) &&
		     !(ph->p_filesz % PAGE);
	l->inside = l->inside && ph->p_offset <= c->size && ph->p_filesz <= c->size - ph->p_offset;
	l->any_paddr = l->any_paddr || ph->p_paddr;
	check_vaddr(l, ph);
}

/* The two views are of the same bytes. */
static void check_views(const struct core *c, size_t n)
{
	uint64_t pages = 0;
	bool same = true;
	GElf_Phdr ph;

	if (!core_section(c, ".xen_pages").size)
		return;
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(c->elf, (int)i, &ph) || ph.p_type != PT_LOAD)
			continue;
		for (uint64_t at = 0; at < ph.p_filesz && same; at += PAGE, pages++) {
			const struct page *p = core_find(c, (ph.p_paddr + at) / PAGE);

			same = p && p->offset == ph.p_offset + at;
		}
	}
	rule(same && pages == c->pages, "all: PT_LOADs and .xen_pfn name the same bytes");
}

bool check_segments(const struct core *c)
{
	struct loads l = { .lowest = UINT64_MAX, .align = true, .size = true, .order = true,
			   .aligned = true, .inside = true, .vaddr = true };
	GElf_Phdr ph, note = { 0 };
	size_t n = 0;

	if (elf_getphdrnum(c->elf, &n) != 0 || n == 0)
		return false;
	rule(le64(c->file + 32) == 64, "makedumpfile: program headers at 64");
	rule((c->file[54] | c->file[55] << 8) == 56, "all: program headers of 56 bytes");
	for (size_t i = 0; i < n; i++) {
		if (!gelf_getphdr(c->elf, (int)i, &ph))
			break;
		if (ph.p_type == PT_LOAD)
			check_load(c, &l, &ph);
		if (ph.p_type != PT_NOTE)
			continue;
		l.notes++;
		l.first_is_note += i == 0;
		note = ph;
	}
	rule(l.first_is_note == 1, "crash: the first program header is PT_NOTE");
	rule(l.notes == 1, "makedumpfile: one PT_NOTE (%zu)", l.notes);
	rule(l.n >= 2, "crash: two PT_LOADs or more (%zu)", l.n);
	rule(l.n < 1000, "crash: few PT_LOADs, it searches them one by one (%zu)", l.n);
	rule(l.align, "crash: p_align is 0, or KASLR is ignored");
	rule(l.size, "volatility: p_filesz is p_memsz and not 0");
	rule(l.order, "all: PT_LOADs ascend and do not overlap");
	rule(l.aligned, "libkdumpfile: offsets, addresses and sizes are whole pages");
	rule(l.inside, "all: PT_LOADs lie within the file");
	rule(l.any_paddr, "libkdumpfile: not all physical addresses are 0");
	rule(l.vaddr, "drgn: p_vaddr is one mapping of the image and one of all memory");
	check_views(c, n);

	if (rule(l.notes && note.p_offset <= l.lowest && note.p_filesz <= l.lowest - note.p_offset,
		 "crash: the notes are before all pages")) {
		struct part notes = { c->file + note.p_offset, note.p_offset, note.p_filesz, 0 };

		check_kdump_notes(c, &notes);
	}
	return true;
}
