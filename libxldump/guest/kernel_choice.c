/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which of several whole kernels is meant.
 *
 * A kexec leaves the old kernel where it is, page tables and all, and nothing in it says that it is
 * dead.  So what the vCPUs run decides; then, after a kdump, that one of them has crashed.  Of a dump
 * the notes come first: they name the kernel that debuggers will look for, unless it is known to be
 * wrong. */
#include "guest/kernel_choice.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/vmcoreinfo.h"

static bool has_crashed(const struct xl_contender *k)
{
	const char *s;
	size_t len;

	return xl_vmcoreinfo_str(k->text, "CRASHTIME", &s, &len) == 0;
}

static int by_start(const void *a, const void *b)
{
	const struct xl_contender *k = a, *l = b;

	return k->start < l->start ? -1 : k->start > l->start;
}

static void list_all(const struct xl_contender *list, struct xl_kernels *ret)
{
	for (size_t i = 0; i < ret->n; i++) {
		struct xl_kernel_found *k = &ret->kernel[i];
		const char *s;
		size_t len;

		if (xl_vmcoreinfo_str(list[i].text, "OSRELEASE", &s, &len) == 0)
			(void)snprintf(k->release, sizeof(k->release), "%.*s", (int)len, s);
		(void)xl_vmcoreinfo_hex(list[i].text, "KERNELOFFSET", &k->kaslr_offset);
		k->start = list[i].start;
		k->runs = list[i].runs >= XL_RUNS_STOPPED;
		k->crashed = has_crashed(&list[i]);
	}
}

const char *xl_kernels_names(const struct xl_kernels *all, char *ret, size_t size)
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < all->n && len < size; i++) {
		const struct xl_kernel_found *k = &all->kernel[i];

		len += (size_t)snprintf(ret + len, size - len, "%s%zu: %s%s%s", i ? ", " : "", i + 1,
					k->release, k->runs ? " (runs)" : "",
					k->crashed ? " (has crashed)" : "");
	}
	return ret;
}

/* ---- by the user ---- */

static int take_wish(struct xl_ctx *x, const char *wish, struct xl_kernels *all)
{
	char names[XL_MAX_KERNELS * 100], *end;
	unsigned long number = strtoul(wish, &end, 10);
	size_t found = 0;

	(void)xl_kernels_names(all, names, sizeof(names));
	if (*wish >= '0' && *wish <= '9' && !*end && number >= 1 && number <= all->n) {
		all->chosen = number - 1;
		return 0;
	}
	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->kernel[i].release, wish) != 0)
			continue;
		all->chosen = i;
		found++;
	}
	if (found == 1)
		return 0;
	return xl_fail(x, XLDUMP_CAUSE_USAGE, -ENXIO,
		       found ? "several kernels are `%s': name one by its number: %s" :
			       "there is no kernel `%s' in memory, but: %s",
		       wish, names);
}

/* ---- by what is known ---- */

/* Whether the notes' kernel is the one that debuggers should look for.  One that has crashed is, also
 * while the kernel runs that saves its memory. */
static bool take_noted(const struct xl_contender *list, const char *noted, struct xl_kernels *all)
{
	for (size_t i = 0; i < all->n; i++) {
		if (!xl_vmcoreinfo_same_kernel(list[i].text, noted))
			continue;
		all->chosen = i;
		return list[i].runs != XL_RUNS_OTHER || all->kernel[i].crashed;
	}
	return false;
}

static bool better(const struct xl_contender *k, const struct xl_contender *than)
{
	return k->runs != than->runs ? k->runs > than->runs : k->score > than->score;
}

static void take_best(const struct xl_contender *list, struct xl_kernels *all)
{
	const struct xl_contender *best = &list[0];

	for (size_t i = 1; i < all->n; i++)
		if (better(&list[i], best))
			best = &list[i];
	all->chosen = (size_t)(best - list);
	all->unsure = best->runs == XL_RUNS_OTHER;
	for (size_t i = 0; i < all->n; i++)
		if (i != all->chosen && !better(best, &list[i]))
			all->unsure = true;
}

int xl_kernel_choose(struct xl_ctx *x, const struct xl_candidates *c, struct xl_contender *list,
		     size_t n, struct xl_kernels *ret, size_t *ret_index)
{
	int r = 0;

	*ret = (struct xl_kernels){ .n = n < XL_MAX_KERNELS ? n : XL_MAX_KERNELS };
	qsort(list, n, sizeof(*list), by_start);
	list_all(list, ret);
	if (c->wish)
		r = take_wish(x, c->wish, ret);
	else if (!c->noted || !take_noted(list, c->noted, ret))
		take_best(list, ret);
	*ret_index = list[ret->chosen].index;
	return r;
}
