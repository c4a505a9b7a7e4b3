/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files that read the guest kernel: kernel.c, kernel_tables.c, vmcoreinfo.c and
 * kallsyms.c. */
#ifndef XL_GUEST_KERNEL_PRIVATE_H
#define XL_GUEST_KERNEL_PRIVATE_H

#include "guest/kernel.h"

/* Copy the text of a candidate page: NUL-terminated, the last line complete.  Both forms of the
 * page are taken, the plain text and the note.  The caller frees *ret.
 *
 * On failure *ret_why says in words what is wrong with the page. */
_must_check_ int xl_vmcoreinfo_load(xl_read_fn read, void *data, xl_pfn_t pfn, char **ret,
				    const char **ret_why);

/* NULL when the text is that of an x86_64 Linux kernel, else what is missing or wrong. */
const char *xl_vmcoreinfo_check(const char *text);

/* The value of a line and its length; it ends at the newline.  -ENOENT. */
_must_check_ int xl_vmcoreinfo_str(const char *text, const char *key, const char **ret,
				   size_t *ret_len);

/* Addresses of several symbols in one pass over the table; 0 for a name that is not in it.
 * -ENOENT when the text does not name the table or it does not stand up to the checks. */
_must_check_ int xl_kallsyms_find(struct xl_ctx *x, const char *text, const struct xl_kmem *m,
				  const char *const *name, size_t n, uint64_t *ret_va);

/* Levels of the page tables in use: 4 or 5. */
unsigned xl_kernel_levels(const char *text);

/* Physical address of the kernel's top page table.  -ENOENT, -EFAULT. */
_must_check_ int xl_kernel_root(const char *text, const struct xl_kmem *m, uint64_t *ret_pa);

/* Walk from a top table of so many levels, taking what the tables hold for pfns.  -ENOENT where
 * nothing is mapped.
 *
 * @param ret_span  size of the page that va is in */
_must_check_ int xl_kernel_translate(const struct xl_kmem *m, uint64_t root, unsigned levels,
				     uint64_t va, uint64_t *ret_pa, uint64_t *ret_span);

/* Whether the kernel's own tables map va to pa, taking what they hold for pfns. */
bool xl_kernel_maps(const char *text, const struct xl_kmem *m, uint64_t va, uint64_t pa);

/* Virtual address of physical 0 in the direct map; 0 when nothing fits.
 *
 * A base is believed if the tables map pa, which must be ordinary memory, where it would be.  If
 * they cannot be walked (PV), it must do that something is mapped in the base's slot.
 *
 * @param variable_va  of the variable page_offset_base, 0 when it is not known */
uint64_t xl_kernel_page_offset(const char *text, const struct xl_kmem *m, bool walkable,
			       uint64_t pa, uint64_t variable_va);

/* ---- start_info.c ---- */

/* Whether this is the page that Xen gives to a PV guest when it starts. */
bool xl_is_start_info(const void *page);

/* Physical address of the variable that holds the address of the start_info page, found by its
 * value: for kernels that do not say where their symbols are.  0: there is none, or more than one
 * place looks like it. */
uint64_t xl_start_info_variable(const struct xl_candidates *c, const struct xl_kmem *m,
				const struct xl_kernel *k);

#endif
