/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The Linux kernel in a dump: its VMCOREINFO, its memory by virtual address. */
#ifndef XL_IMAGE_IMAGE_KERNEL_H
#define XL_IMAGE_IMAGE_KERNEL_H

#include "guest/kernel.h"
#include "image/image.h"

struct xl_image_vm {
	struct xl_image *img; /* borrowed */
	struct xl_kernel k;
	uint64_t root;        /* physical address of the kernel's top page table; 0: not known */
	unsigned levels;
	bool unlike_note;     /* the file's VMCOREINFO is of another kernel */
};

/* Find the kernel.  From the file's VMCOREINFO note if that is enough; else all pages are looked
 * at, as a file of xl dump-core needs it, one of a kernel before 4.10, or one whose vCPUs run another
 * kernel.  Not if the file says that whoever wrote it has found none.  Of several kernels the one is
 * taken that img->kernel names, or that the vCPUs run; a warning names them where that cannot be told.
 *
 * @param scan  look at all pages in any case: only then are all members of k filled
 * -ENOENT when there is no Linux kernel that can be recognised; -ENXIO when it is not the wanted one. */
_must_check_ int xl_image_vm_init(struct xl_ctx *x, struct xl_image *img, bool scan,
				  struct xl_image_vm *ret);
void xl_image_vm_deinit(struct xl_image_vm *vm);

/* Physical address of a kernel address.  -EFAULT, without words. */
_must_check_ int xl_image_vm_pa(const struct xl_image_vm *vm, uint64_t va, uint64_t *ret);

/* The same by the kernel's page tables alone. */
_must_check_ int xl_image_vm_walk(const struct xl_image_vm *vm, uint64_t va, uint64_t *ret);

/* Bytes by virtual address, across pages.  -EFAULT. */
_must_check_ int xl_image_vm_read(const struct xl_image_vm *vm, uint64_t va, void *buf,
				  size_t len);

#endif
