/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kernel runs in the guest, and where it is: judged from candidates for VMCOREINFO.
 *
 * A page that looks like VMCOREINFO may be a copy in the page cache, or one that a kernel left
 * behind which has since started another by kexec.  So each text must be complete, and init_uts_ns
 * must be where the text says, with the same release in it.  Of those that pass, the best is
 *  1. the one whose own page tables map its code to where it is; a PV guest's tables hold host
 *     frames, so there no candidate has this point;
 *  2. then one that has not crashed: after a kdump the old kernel is still there, whole.
 * Of texts of one kernel the best is that of which memory has a second copy, as every running kernel
 * has, then the one that was found first.  Between kernels kernel_choice.c decides.
 */
#include "guest/kernel.h"

#include <stdio.h>
#include <string.h>

#include "guest/kallsyms.h"
#include "guest/kernel_choice.h"
#include "guest/kernel_tables.h"
#include "guest/start_info.h"
#include "guest/symbols.h"
#include "guest/vmcoreinfo.h"

/* struct new_utsname: six strings of 65 bytes (include/uapi/linux/utsname.h). */
#define UTS_FIELD 65
#define UTS_FIELDS 6
enum { SYSNAME, NODENAME, RELEASE, VERSION, MACHINE, DOMAINNAME };

/* Granularity of where the kernel may be put (CONFIG_PHYSICAL_ALIGN), and of its mapping. */
#define LARGE_PAGE ((uint64_t)2 << 20)

/* Where kernels before 4.10, which do not tell phys_base, are looked for.  Those of them that can
 * be away from their place (physical KASLR came with 4.8) and above 4 GiB are given up. */
#define PHYS_BASE_MAX ((int64_t)4 << 30)

/* Points of the rules above. */
#define SCORE_SOUND 1
#define SCORE_COPY 2
#define SCORE_ALIVE 4
#define SCORE_MAPPED 8

/* One candidate. */
struct verdict {
	char *text;
	xl_pfn_t pfn;
	struct xl_kmem m;
	char uts[UTS_FIELDS][UTS_FIELD];
	int score;
	uint64_t start; /* physical address of its code, when the score is not 0 */
	enum xl_runs runs;
	char why[160]; /* what is wrong with it when the score is 0 */
};

static void verdicts_freep(struct verdict **v)
{
	if (!*v)
		return;
	for (size_t i = 0; i < XL_MAX_CANDIDATES; i++)
		free((*v)[i].text);
	free(*v);
}

void xl_kernel_deinit(struct xl_kernel *k)
{
	free(k->vmcoreinfo);
	memset(k, 0, sizeof(*k));
}

/* ---- utsname ---- */

/* Read the names at va and keep them if they are those of this kernel. */
static bool uts_at(struct verdict *v, uint64_t va, const char *release, size_t release_len)
{
	char raw[UTS_FIELDS][UTS_FIELD];

	if (xl_kmem_read(&v->m, va, raw, sizeof(raw)) < 0)
		return false;
	for (size_t i = 0; i < UTS_FIELDS; i++)
		if (!memchr(raw[i], '\0', UTS_FIELD))
			return false;
	if (strcmp(raw[SYSNAME], "Linux") != 0 || strlen(raw[RELEASE]) != release_len ||
	    memcmp(raw[RELEASE], release, release_len) != 0)
		return false;

	/* Host name and domain name are any root's to set; they end in texts and terminals. */
	for (size_t i = 0; i < UTS_FIELDS; i++)
		for (char *p = raw[i]; *p; p++)
			if (*p < ' ' || *p > '~')
				*p = '?';
	memcpy(v->uts, raw, sizeof(raw));
	return true;
}

/* What the text says of the names, looked up once: phys_base is sought at thousands of places. */
struct uts_claim {
	uint64_t va;
	const char *release;
	size_t release_len;
	bool has_offset;
	int64_t offset;
};

static bool claim_read(const char *text, struct uts_claim *c)
{
	c->has_offset = xl_vmcoreinfo_dec(text, "OFFSET(uts_namespace.name)", &c->offset) == 0;
	return xl_vmcoreinfo_hex(text, "SYMBOL(init_uts_ns)", &c->va) == 0 &&
	       xl_vmcoreinfo_str(text, "OSRELEASE", &c->release, &c->release_len) == 0;
}

static bool find_uts(struct verdict *v, const struct uts_claim *c)
{
	if (c->has_offset)
		return c->offset >= 0 && c->offset < (int64_t)XL_PAGE_SIZE &&
		       uts_at(v, c->va + (uint64_t)c->offset, c->release, c->release_len);

	/* Kernels that do not tell have a reference count of 4 bytes before the names; those
	 * in between have nothing. */
	return uts_at(v, c->va + 4, c->release, c->release_len) ||
	       uts_at(v, c->va, c->release, c->release_len);
}

/* Whether the names are where phys_base says; without one, where else they are. */
static bool find_phys_base(struct verdict *v)
{
	struct uts_claim c = { 0 };

	if (!claim_read(v->text, &c))
		return false;
	if (xl_vmcoreinfo_dec(v->text, "NUMBER(phys_base)", &v->m.phys_base) == 0)
		return find_uts(v, &c);

	v->m.phys_base = 0;
	if (find_uts(v, &c))
		return true;
	for (v->m.phys_base = -(int64_t)XL_KERNEL_IMAGE_MAX; v->m.phys_base < PHYS_BASE_MAX;
	     v->m.phys_base += LARGE_PAGE)
		if (find_uts(v, &c))
			return true;
	return false;
}

/* ---- the judgement ---- */

static void judge(struct verdict *v, const struct xl_vcpus *vcpus)
{
	const char *why, *s;
	uint64_t va;
	size_t len;

	why = xl_vmcoreinfo_check(v->text);
	if (!why && !find_phys_base(v))
		why = "init_uts_ns is not where VMCOREINFO says, or belongs to another kernel";
	if (why) {
		(void)snprintf(v->why, sizeof(v->why), "%s", why);
		return;
	}

	v->score = SCORE_SOUND;
	if (xl_vmcoreinfo_str(v->text, "CRASHTIME", &s, &len) < 0)
		v->score |= SCORE_ALIVE;
	if (xl_vmcoreinfo_hex(v->text, "SYMBOL(_stext)", &va) == 0 &&
	    xl_kmem_pa(&v->m, va, &v->start) == 0 && xl_kernel_maps(v->text, &v->m, va, v->start))
		v->score |= SCORE_MAPPED;
	v->runs = xl_runs_kernel(vcpus, v->text, &v->m);
}

/* Load and judge all; texts seen before only count as copies. */
static void judge_all(const struct xl_candidates *c, xl_read_fn read, void *read_data,
		      struct verdict *verdict)
{
	const char *why;

	for (size_t i = 0; i < c->n && i < XL_MAX_CANDIDATES; i++) {
		struct verdict *v = &verdict[i];
		size_t j = 0;

		v->pfn = c->pfn[i];
		v->m = (struct xl_kmem){ read, read_data, 0 };
		if (xl_vmcoreinfo_load(read, read_data, v->pfn, &v->text, &why) < 0) {
			(void)snprintf(v->why, sizeof(v->why), "%s", why);
			continue;
		}
		while (j < i && (!verdict[j].text || strcmp(verdict[j].text, v->text) != 0))
			j++;
		if (j == i)
			judge(v, c->vcpus);
		else if (verdict[j].score)
			verdict[j].score |= SCORE_COPY;
	}
}

static bool in_image(uint64_t va)
{
	return va >= XL_START_KERNEL_MAP && va - XL_START_KERNEL_MAP < XL_KERNEL_IMAGE_MAX;
}

/* Where the image begins and ends: _text and _end, if they are credible. */
static void find_image(const struct verdict *v, uint64_t text_va, uint64_t end_va,
		       struct xl_kernel *k)
{
	uint64_t stext, start, end;

	if (xl_vmcoreinfo_hex(v->text, "SYMBOL(_stext)", &stext) < 0)
		return;
	start = in_image(text_va) && text_va <= stext ? text_va : stext;
	/* Less than the truth is harmless: what follows is described as ordinary memory, which it is
	 * also. */
	end = in_image(end_va) && end_va > stext ? end_va : xl_vmcoreinfo_image_end(v->text, stext);

	start &= ~(uint64_t)XL_PAGE_MASK;
	end = (end + XL_PAGE_MASK) & ~(uint64_t)XL_PAGE_MASK;
	if (xl_kmem_pa(&v->m, start, &k->image_start) < 0)
		return;
	k->image_end = k->image_start + (end - start);
}

/* What the kernel's own table does not have, from the user's file. */
static void add_symbols(const struct xl_symbols *s, const char *text, const char *const *name,
			size_t n, uint64_t *va)
{
	uint64_t offset = 0, v;

	(void)xl_vmcoreinfo_hex(text, "KERNELOFFSET", &offset);
	for (size_t i = 0; i < n; i++)
		if (!va[i] && xl_symbols_find(s, name[i], &v) == 0)
			va[i] = v + offset;
}

static void describe(struct xl_ctx *x, const struct xl_candidates *c, struct verdict *v,
		     struct xl_kernel *k)
{
	static const char *const name[] = { "_text", "_end", "xen_start_info", "page_offset_base" };
	uint64_t va[XL_ARRAY_SIZE(name)] = { 0 };
	bool symbols = xl_kallsyms_find(x, v->text, &v->m, name, XL_ARRAY_SIZE(name), va) == 0;

	if (!symbols) {
		xl_log(x, XLDUMP_LOG_DEBUG, "%s", x->err);
		xl_err_clear(x);
	}
	if (c->symbols)
		add_symbols(c->symbols, v->text, name, XL_ARRAY_SIZE(name), va);

	memcpy(k->sysname, v->uts[SYSNAME], UTS_FIELD);
	memcpy(k->nodename, v->uts[NODENAME], UTS_FIELD);
	memcpy(k->release, v->uts[RELEASE], UTS_FIELD);
	memcpy(k->version, v->uts[VERSION], UTS_FIELD);
	memcpy(k->machine, v->uts[MACHINE], UTS_FIELD);
	memcpy(k->domainname, v->uts[DOMAINNAME], UTS_FIELD);
	k->phys_base = v->m.phys_base;
	(void)xl_vmcoreinfo_hex(v->text, "KERNELOFFSET", &k->kaslr_offset);
	k->l5 = xl_kernel_levels(v->text) == 5;
	find_image(v, va[0], va[1], k);
	if (va[2] && !(va[2] & 7) && xl_kmem_pa(&v->m, va[2], &k->xen_start_info_pa) < 0)
		k->xen_start_info_pa = 0;
	k->page_offset = xl_kernel_page_offset(v->text, &v->m, v->score & SCORE_MAPPED,
					       v->pfn << XL_PAGE_SHIFT, va[3]);
	if (!symbols && !va[2])
		k->xen_start_info_pa = xl_start_info_variable(c, &v->m, k->image_start,
							      k->image_end, k->page_offset);

	k->vmcoreinfo_pfn = v->pfn;
	k->vmcoreinfo_len = strlen(v->text);
	k->vmcoreinfo = XL_TAKE_PTR(v->text);
}

/* The best text of each kernel. */
static size_t list_kernels(const struct verdict *v, size_t n, struct xl_contender *ret)
{
	size_t kernels = 0;

	for (size_t i = 0; i < n; i++) {
		const struct xl_contender new = { v[i].text, v[i].start, v[i].runs, v[i].score, i };
		size_t j = 0;

		if (!new.score)
			continue;
		while (j < kernels && ret[j].start != new.start)
			j++;
		if (j == kernels)
			ret[kernels++] = new;
		else if (new.score > ret[j].score)
			ret[j] = new;
	}
	/* A copy says nothing of which kernel runs. */
	for (size_t i = 0; i < kernels; i++)
		ret[i].score &= ~SCORE_COPY;
	return kernels;
}

int xl_kernel_identify(struct xl_ctx *x, const struct xl_candidates *c, xl_read_fn read,
		       void *read_data, struct xl_kernel *ret)
{
	_cleanup_(verdicts_freep) struct verdict *v = calloc(XL_MAX_CANDIDATES, sizeof(*v));
	struct xl_contender list[XL_MAX_CANDIDATES];
	struct xl_kernel k = { 0 };
	size_t n = c->n < XL_MAX_CANDIDATES ? c->n : XL_MAX_CANDIDATES, kernels, best;
	int r;

	if (!v)
		return xl_err(x, -ENOMEM, "judge the guest's kernel");
	if (n == 0)
		return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT,
			       "no page of the guest looks like VMCOREINFO");

	judge_all(c, read, read_data, v);
	kernels = list_kernels(v, n, list);
	if (!kernels)
		return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT,
			       "VMCOREINFO at pfn %#" PRIx64 " is not valid: %s", v[0].pfn, v[0].why);
	r = xl_kernel_choose(x, c, list, kernels, &k.all, &best);
	if (r == 0 && c->symbols)
		r = xl_symbols_check(x, c->symbols, v[best].text);
	if (r < 0)
		return r;
	describe(x, c, &v[best], &k);
	*ret = k;
	return 0;
}

int xl_kernel_symbol(struct xl_ctx *x, const struct xl_kernel *k, xl_read_fn read,
		     void *read_data, const char *name, uint64_t *ret_va)
{
	const struct xl_kmem m = { read, read_data, k->phys_base };
	uint64_t va;
	int r;

	if (!k->vmcoreinfo)
		return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT, "no kernel was found");
	r = xl_kallsyms_find(x, k->vmcoreinfo, &m, &name, 1, &va);
	if (r < 0)
		return r;
	if (!va)
		return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT, "the kernel has no symbol %s", name);
	*ret_va = va;
	return 0;
}
