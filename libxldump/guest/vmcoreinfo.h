/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* VMCOREINFO, the text in which a Linux kernel describes itself to dump tools. */
#ifndef XL_GUEST_VMCOREINFO_H
#define XL_GUEST_VMCOREINFO_H

#include "guest/kmem.h"

/* Text of VMCOREINFO.  The kernel gives it one page; newest kernels may take more. */
#define XL_VMCOREINFO_MAX (4 * XL_PAGE_SIZE)

/* Whether a page begins as one that has it: the plain text, or the note. */
bool xl_is_vmcoreinfo(const void *page);

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

/* The value of a numeric VMCOREINFO line, e.g. key "SYMBOL(_stext)" (hexadecimal) or
 * "NUMBER(phys_base)" (signed decimal).  -ENOENT, -EINVAL; *ret is untouched
 * then, so that it may hold a default. */
int xl_vmcoreinfo_hex(const char *text, const char *key, uint64_t *ret);
int xl_vmcoreinfo_dec(const char *text, const char *key, int64_t *ret);

/* Where the image ends by what the text names: rounded up to 2 MiB behind its last variable, the
 * granularity in which the image is mapped.  `start` is the virtual address of its beginning. */
uint64_t xl_vmcoreinfo_image_end(const char *text, uint64_t start);

/* Whether both are of one kernel in one place, though they may say different things of it. */
bool xl_vmcoreinfo_same_kernel(const char *a, const char *b);

#endif
