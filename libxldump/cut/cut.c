/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory of a cut. */
#include "cut/cut.h"

#include <errno.h>
#include <stdlib.h>

int xl_edits_add(struct xl_edits *e, uint64_t paddr, uint64_t old)
{
	if (e->n >= XL_MAX_EDITS) {
		e->lost++;
		return 0;
	}
	if (e->n == e->allocated) {
		size_t n = e->allocated ? e->allocated * 2 : 256;
		struct xl_edit *p = reallocarray(e->edit, n, sizeof(*p));

		if (!p)
			return -ENOMEM;
		e->edit = p;
		e->allocated = n;
	}
	e->edit[e->n++] = (struct xl_edit){ .paddr = paddr, .old = old };
	return 0;
}

void xl_edits_deinit(struct xl_edits *e)
{
	free(e->edit);
	*e = (struct xl_edits){ 0 };
}

void xl_cut_deinit(struct xl_cut *c)
{
	xl_bitmap_deinit(&c->present);
	xl_bitmap_deinit(&c->skipped);
	xl_bitmap_deinit(&c->excluded);
	xl_bitmap_deinit(&c->suspect);
	free(c->vcpu);
	c->vcpu = NULL;
	free(c->table);
	c->table = NULL;
	xl_kernel_deinit(&c->kernel);
	xl_edits_deinit(&c->edits);
	free(c->kept.data);
	c->kept = (struct xl_kept_notes){ 0 };
}
