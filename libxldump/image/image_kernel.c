/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which kernel is in a dump, and its memory by virtual address. */
#include "image/image_kernel.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/json.h"
#include "guest/kernel.h"
#include "guest/kernel_tables.h"
#include "guest/kmem.h"
#include "guest/running.h"
#include "guest/vmcoreinfo.h"
#include "image/image_private.h"
#include "image/image_vcpus.h"

#define PTE_PRESENT 0x001ULL
#define PTE_PSE 0x080ULL
#define PTE_FRAME 0x000ffffffffff000ULL

/* What VMCOREINFO can say at the start of a page: its name, or the note's name at 12. */
#define START 32

static int scan_pages(struct xl_ctx *x, struct xl_image *img, const struct xl_vcpus *vcpus,
		      struct xl_kernel *k)
{
	struct xl_candidates c = { .vcpus = vcpus, .noted = img->vmcoreinfo, .wish = img->kernel };
	uint8_t page[XL_PAGE_SIZE] = { 0 };

	/* Pages of zeros that are not in the file have no text. */
	for (xl_pfn_t pfn = xl_image_next_stored(img, 0); pfn < img->nr_pfns;
	     pfn = xl_image_next_stored(img, pfn + 1)) {
		uint64_t offset, size;
		int r = xl_check_cancel(x);

		if (r == 0 && img->kind != XL_IMAGE_KDUMP)
			r = xl_image_where(x, img, pfn, &offset, &size);
		if (r == 0 && img->kind != XL_IMAGE_KDUMP && size >= START)
			r = xl_imgfile_read(img->file, offset, page, START);
		else if (r == 0)
			r = xl_image_page(x, img, pfn, page);
		if (r < 0)
			return r;
		xl_candidates_look(&c, pfn, page);
	}
	return xl_kernel_identify(x, &c, xl_image_read, img, k);
}

/* Enough for addresses, if the text tells where the kernel is. */
static int take_text(struct xl_ctx *x, const struct xl_image *img, struct xl_kernel *k)
{
	const char *why = xl_vmcoreinfo_check(img->vmcoreinfo), *s;
	size_t len;
	int r;

	if (why)
		return xl_image_bad(x, "VMCOREINFO in the notes: %s", why);
	r = xl_vmcoreinfo_dec(img->vmcoreinfo, "NUMBER(phys_base)", &k->phys_base);
	if (r < 0)
		return r;
	k->vmcoreinfo = strdup(img->vmcoreinfo);
	if (!k->vmcoreinfo)
		return xl_err(x, -ENOMEM, "copy VMCOREINFO");
	k->vmcoreinfo_len = strlen(k->vmcoreinfo);
	if (xl_vmcoreinfo_str(k->vmcoreinfo, "OSRELEASE", &s, &len) == 0 && len < sizeof(k->release))
		memcpy(k->release, s, len);
	(void)xl_vmcoreinfo_hex(k->vmcoreinfo, "KERNELOFFSET", &k->kaslr_offset);
	k->l5 = xl_kernel_levels(k->vmcoreinfo) == 5;
	return 0;
}

/* Whoever wrote the file has looked through all memory. */
static bool has_none(const struct xl_image *img)
{
	_cleanup_json_ struct json_object *note = xl_json_parse(img->json);

	return note && !img->vmcoreinfo && !img->kernel && !xl_json_get(note, "kernel");
}

static int find_kernel(struct xl_ctx *x, struct xl_image *img, const struct xl_vcpus *vcpus, bool scan,
		       struct xl_kernel *k)
{
	const struct xl_kmem m = { xl_image_read, img, 0 };
	int r;

	if (img->vmcoreinfo && !scan && !img->kernel) {
		struct xl_kmem own = m;

		r = take_text(x, img, k);
		own.phys_base = k->phys_base;
		if (r == 0 && xl_runs_kernel(vcpus, k->vmcoreinfo, &own) != XL_RUNS_OTHER)
			return 0;
		xl_kernel_deinit(k);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	if (has_none(img))
		return xl_fail(x, XLDUMP_CAUSE_OTHER, -ENOENT,
			       "the XLDUMP note says that none was found in the guest's memory "
			       "(`--kernel=1' searches all the same)");
	return scan_pages(x, img, vcpus, k);
}

/* What the reader could be wrong about. */
static void warn(struct xl_ctx *x, const struct xl_image_vm *vm)
{
	const struct xl_kernels *all = &vm->k.all;
	char names[XL_MAX_KERNELS * 100];

	(void)xl_kernels_names(all, names, sizeof(names));
	if (all->unsure && all->n > 1)
		xl_log(x, XLDUMP_LOG_WARNING,
		       "%zu kernels are in memory, as after a kexec, and the registers do not tell "
		       "which of them ran: %s; this is about %s, and --kernel chooses another",
		       all->n, names, vm->k.release);
	else if (all->unsure)
		xl_log(x, XLDUMP_LOG_WARNING,
		       "the vCPUs did not run kernel %s, the only one that is found in memory",
		       vm->k.release);
	else if (vm->unlike_note && !vm->img->kernel)
		xl_log(x, XLDUMP_LOG_WARNING,
		       "the file's VMCOREINFO is not of the kernel that the vCPUs ran; this is about "
		       "the one that they ran, and --kernel chooses another: %s",
		       names);
}

/* Without registers, and where they cannot be read, nothing is known of them. */
static int read_vcpus(struct xl_ctx *x, struct xl_image *img, struct xl_vcpu **ret,
		      struct xl_vcpus *all)
{
	uint32_t n = 0;
	int r = xl_image_vcpus(x, img, img->p2ms, ret, &n);

	if (r == -ENOMEM)
		return r;
	if (r < 0)
		xl_err_clear(x);
	*all = (struct xl_vcpus){ *ret, n, img->kind == XL_IMAGE_XENCORE_RAW };
	return 0;
}

int xl_image_vm_init(struct xl_ctx *x, struct xl_image *img, bool scan, struct xl_image_vm *ret)
{
	_cleanup_free_ struct xl_vcpu *vcpu = NULL;
	struct xl_image_vm vm = { .img = img };
	struct xl_kmem m = { xl_image_read, img, 0 };
	struct xl_vcpus vcpus;
	uint64_t va;
	int r;

	if (img->narrow)
		return xl_fail(x, XLDUMP_CAUSE_UNSUPPORTED, -EOPNOTSUPP,
			       "a dump of a 32-bit PV guest: only 64-bit kernels are supported");
	r = read_vcpus(x, img, &vcpu, &vcpus);
	if (r == 0)
		r = find_kernel(x, img, &vcpus, scan, &vm.k);
	if (r < 0)
		return xl_err(x, r, "look for a Linux kernel in the dump");
	vm.levels = vm.k.l5 ? 5 : 4;
	m.phys_base = vm.k.phys_base;
	if ((xl_vmcoreinfo_hex(vm.k.vmcoreinfo, "SYMBOL(swapper_pg_dir)", &va) < 0 &&
	     xl_vmcoreinfo_hex(vm.k.vmcoreinfo, "SYMBOL(init_top_pgt)", &va) < 0) ||
	    xl_kmem_pa(&m, va & ~(uint64_t)XL_PAGE_MASK, &vm.root) < 0)
		vm.root = 0;
	vm.unlike_note = img->vmcoreinfo &&
			 !xl_vmcoreinfo_same_kernel(img->vmcoreinfo, vm.k.vmcoreinfo);
	warn(x, &vm);
	*ret = vm;
	return 0;
}

void xl_image_vm_deinit(struct xl_image_vm *vm)
{
	xl_kernel_deinit(&vm->k);
}

static uint64_t span(unsigned level)
{
	return (uint64_t)XL_PAGE_SIZE << (9 * (level - 1));
}

/* In a file that has them as they were, the page tables of a PV guest hold frames of the host. */
static int frame_pa(const struct xl_image_vm *vm, uint64_t pte, uint64_t *ret)
{
	*ret = pte & PTE_FRAME;
	if (vm->img->kind == XL_IMAGE_XENCORE_RAW) {
		xl_pfn_t pfn = xl_image_mfn_to_pfn(vm->img, *ret >> XL_PAGE_SHIFT);

		if (pfn == XL_INVALID_FRAME)
			return -EFAULT;
		*ret = pfn << XL_PAGE_SHIFT;
	}
	return 0;
}

int xl_image_vm_walk(const struct xl_image_vm *vm, uint64_t va, uint64_t *ret)
{
	uint64_t table = vm->root, pte;
	uint8_t raw[8];

	if (!table)
		return -EFAULT;
	for (unsigned level = vm->levels; level >= 1; level--) {
		if (xl_image_read(vm->img, table + va / span(level) % 512 * 8, raw, 8) < 0)
			return -EFAULT;
		pte = xl_get_le64(raw);
		if (!(pte & PTE_PRESENT) || frame_pa(vm, pte, &table) < 0)
			return -EFAULT;
		if (level <= 3 && level > 1 && (pte & PTE_PSE)) {
			*ret = (table & ~(span(level) - 1)) | (va & (span(level) - 1));
			return 0;
		}
	}
	*ret = table | (va & XL_PAGE_MASK);
	return 0;
}

int xl_image_vm_pa(const struct xl_image_vm *vm, uint64_t va, uint64_t *ret)
{
	const struct xl_kmem m = { .phys_base = vm->k.phys_base };

	if (xl_kmem_pa(&m, va, ret) == 0)
		return 0;
	return xl_image_vm_walk(vm, va, ret);
}

int xl_image_vm_read(const struct xl_image_vm *vm, uint64_t va, void *buf, size_t len)
{
	uint8_t *p = buf;

	while (len > 0) {
		size_t n = XL_PAGE_SIZE - (va & XL_PAGE_MASK);
		uint64_t pa;

		n = n < len ? n : len;
		if (xl_image_vm_pa(vm, va, &pa) < 0 || xl_image_read(vm->img, pa, p, n) < 0)
			return -EFAULT;
		p += n;
		va += n;
		len -= n;
	}
	return 0;
}
