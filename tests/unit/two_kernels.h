/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A memory with two whole kernels, as a kexec leaves it: each in a half of its own. */
#ifndef XLDUMP_TESTS_TWO_KERNELS_H
#define XLDUMP_TESTS_TWO_KERNELS_H

#include <stdlib.h>

#include "fake_mm.h"
#include "guest/running.h"

#define TWO_MEMORY (2 * FAKE_MEMORY)
#define TWO_PAGES (TWO_MEMORY >> XL_PAGE_SHIFT)
#define TWO_OLD "6.1.0-56-cloud-amd64"
#define TWO_NEW "6.12.9-1-amd64"

enum { OLD, NEW };

/* Where their image begins, and the place of user mode's tables and of the interrupt descriptors. */
#define TWO_USER_PA 0x22d000
#define TWO_IDT_VA 0xfffffe0000000000

struct two {
	struct fake_mm k[2]; /* the second one with struct pages */
	struct xl_vcpu vcpu[4];
	struct xl_vcpus vcpus;
	struct xl_candidates cand;
};

static inline int two_read(void *data, uint64_t paddr, void *buf, size_t len)
{
	struct two *t = data;

	return fake_read(&t->k[paddr >= FAKE_MEMORY ? NEW : OLD].f, paddr, buf, len);
}

static inline const unsigned char *two_page(const struct two *t, xl_pfn_t pfn)
{
	uint64_t pa = pfn << XL_PAGE_SHIFT;

	return pa < FAKE_MEMORY ? t->k[OLD].f.mem + pa : t->k[NEW].f.mem + pa - FAKE_MEMORY;
}

static inline void two_look(struct two *t)
{
	memset(&t->cand, 0, sizeof(t->cand));
	fake_look_into(&t->k[OLD].f, &t->cand);
	fake_look_into(&t->k[NEW].f, &t->cand);
	t->cand.vcpus = &t->vcpus;
}

/* One kernel has said more before it died. */
static inline void two_say(struct two *t, int which, const char *more)
{
	struct fake *f = &t->k[which].f;

	fake_say(f, "%s", more);
	fake_text(f, FAKE_VMCOREINFO_PFN);
	fake_note(f, FAKE_NOTE_PFN);
	two_look(t);
}

static inline uint64_t two_cr3(const struct two *t, int which)
{
	return t->k[which].f.base + FAKE_TABLES_PA;
}

/* A vCPU in the code of a kernel. */
static inline void two_in_kernel(struct two *t, size_t vcpu, int which)
{
	const struct fake *f = &t->k[which].f;

	t->vcpu[vcpu] = (struct xl_vcpu){ .id = (uint32_t)vcpu, .online = true, .in_kernel = true,
					  .rip = fake_va(f, FAKE_TEXT_PA) + 0x1234, .rflags = 0x202,
					  .cr0 = 0x80050033, .cr3 = two_cr3(t, which), .cr4 = 0x20 };
	t->vcpus.n = vcpu + 1 > t->vcpus.n ? vcpu + 1 : t->vcpus.n;
}

/* User mode's tables have nothing but the descriptors, which lie in the image. */
static inline void two_user_tables(struct fake *f)
{
	const uint64_t va = TWO_IDT_VA, t = TWO_USER_PA;

	fake_entry(f, t, va >> 39 & 511, (t + 0x1000) | 0x63);
	fake_entry(f, t + 0x1000, va >> 30 & 511, (t + 0x2000) | 0x63);
	fake_entry(f, t + 0x2000, va >> 21 & 511, (t + 0x3000) | 0x63);
	fake_entry(f, t + 0x3000, va >> 12 & 511, FAKE_VARIABLES_PA | 0x61);
}

/* And one in user mode, where page table isolation hides the kernel. */
static inline void two_in_user(struct two *t, size_t vcpu, int which)
{
	two_in_kernel(t, vcpu, which);
	t->vcpu[vcpu].in_kernel = false;
	t->vcpu[vcpu].rip = 0x7f0012345678;
	t->vcpu[vcpu].cr3 = t->k[which].f.base + TWO_USER_PA;
	t->vcpu[vcpu].idt.base = TWO_IDT_VA;
}

static inline void two_init(struct two *t)
{
	static struct fake_mm_kernel new;

	memset(t, 0, sizeof(*t));
	new = fake_mm_kernels[6];
	new.release = TWO_NEW;
	for (int i = OLD; i <= NEW; i++) {
		struct fake *f = &t->k[i].f;

		fake_defaults(f);
		f->base = i == NEW ? FAKE_MEMORY : 0;
		f->kaslr = i == NEW ? 0x02000000 : 0x0c000000;
		f->phys_base = (int64_t)(f->base + FAKE_TEXT_PA - 0x1000000 - f->kaslr);
		f->encoding = FAKE_NO_KALLSYMS;
		if (i == OLD)
			fake_build(f);
		else
			fake_mm_build(&t->k[i], &new);
		two_user_tables(f);
	}
	t->vcpus.vcpu = t->vcpu;
	two_look(t);
}

/* The same kernel twice, at the same virtual address, with symbols. */
static inline void two_twins(struct two *t)
{
	memset(t, 0, sizeof(*t));
	for (int i = OLD; i <= NEW; i++) {
		struct fake *f = &t->k[i].f;

		fake_defaults(f);
		f->base = i == NEW ? FAKE_MEMORY : 0;
		f->phys_base += (int64_t)f->base;
		fake_build(f);
		two_user_tables(f);
	}
	t->vcpus.vcpu = t->vcpu;
	two_look(t);
}

static inline void two_deinit(struct two *t)
{
	fake_mm_deinit(&t->k[OLD]);
	fake_mm_deinit(&t->k[NEW]);
}

#endif
