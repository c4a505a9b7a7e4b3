/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The look at the guest's kernel: VMCOREINFO, utsname, page tables, kallsyms.
 *
 *	b:flags, then the records of a memory.  Flag 1: the memory repeats without end, as large as
 *	a hostile guest can make its own.
 */
#include "fuzz.h"
#include "guest/kernel.h"
#include "guest/vmcoreinfo.h"

/* Calls of the reader, each a hypercall or three on a real Xen, a few microseconds. */
#define READS_MAX 1000000

struct guest {
	struct fuzz_mem mem;
	bool endless;
	uint64_t reads;
};

static int read_guest(void *data, uint64_t paddr, void *buf, size_t len)
{
	struct guest *g = data;

	FUZZ_CHECK(++g->reads <= READS_MAX);
	FUZZ_CHECK(len <= 64 << 10);
	if (g->endless && paddr < XL_MAX_PFNS << XL_PAGE_SHIFT)
		paddr %= FUZZ_FRAMES / 2 * XL_PAGE_SIZE;
	return fuzz_mem_read(&g->mem, paddr, buf, len);
}

/* These end in notes, in JSON and on terminals. */
static void check_name(const char name[65])
{
	FUZZ_CHECK(memchr(name, '\0', 65));
	for (; *name; name++)
		FUZZ_CHECK(*name >= ' ' && *name <= '~');
}

static void check_kernel(const struct xl_kernel *k)
{
	FUZZ_CHECK(k->vmcoreinfo && k->vmcoreinfo_len == strlen(k->vmcoreinfo));
	FUZZ_CHECK(k->vmcoreinfo_len <= XL_VMCOREINFO_MAX);
	FUZZ_CHECK(k->vmcoreinfo[k->vmcoreinfo_len - 1] == '\n');
	check_name(k->sysname);
	check_name(k->nodename);
	check_name(k->release);
	check_name(k->version);
	check_name(k->machine);
	check_name(k->domainname);
	FUZZ_CHECK(k->image_start <= k->image_end);
	FUZZ_CHECK(k->image_end - k->image_start <= (uint64_t)3 << 29);
	FUZZ_CHECK(k->image_start % XL_PAGE_SIZE == 0 && k->image_end % XL_PAGE_SIZE == 0);
	FUZZ_CHECK(k->xen_start_info_pa % 8 == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_in in = { data, size };
	struct guest g = { 0 };
	struct xl_candidates c = { 0 };
	struct xl_kernel k = { 0 };
	struct xl_ctx x = { 0 };
	uint64_t va;

	g.endless = fuzz_u8(&in) & 1;
	fuzz_mem_fill(&g.mem, &in);
	for (uint64_t frame = 0; frame < FUZZ_FRAMES; frame++)
		xl_candidates_look(&c, frame, fuzz_mem_page(&g.mem, frame));
	if (xl_kernel_identify(&x, &c, read_guest, &g, &k) == 0) {
		check_kernel(&k);
		if (xl_kernel_symbol(&x, &k, read_guest, &g, "linux_banner", &va) == 0)
			FUZZ_CHECK(va);
	}
	FUZZ_CHECK(memchr(x.err, '\0', sizeof(x.err)));
	xl_kernel_deinit(&k);
	fuzz_mem_deinit(&g.mem);
	return 0;
}
