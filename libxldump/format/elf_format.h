/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The file, byte for byte.  Constants only.
 *
 *	Ehdr                      64 bytes
 *	Phdr[0]                   PT_NOTE; must be the first (crash netdump.c)
 *	Phdr[1..]                 PT_LOAD, ascending, not overlapping
 *	notes of the PT_NOTE      below the first page: crash parses them in [0, lowest p_offset)
 *	(unused, a hole)
 *	.xen_pages                4 KiB aligned; what the PT_LOADs point into
 *	.xen_pfn                  u64 pfn of each page, ascending
 *	.note.Xen                 notes of Xen's own format
 *	.xen_prstatus             vcpu_guest_context for each vCPU id, none left out
 *	.xen_shared_info          one page, if there is one
 *	.xldump_p2m               PV: runs of { u64 pfn, u64 mfn, u64 count }
 *	.xldump_tables            PV: { u64 pfn, u64 level } of each page table that was rewritten
 *	.xldump_edits             { u64 paddr, u64 old value } of 8 bytes each, ascending
 *	.shstrtab
 *	Shdr[]                    in the order of the names in .shstrtab
 *
 * Raw (a PV guest with the frames of the host in its page tables): no PT_LOADs; .xen_p2m instead of
 * .xen_pfn, and no .xldump_p2m:
 *
 *	.xen_p2m                  { u64 pfn, u64 mfn } of each pfn from 0, ends where .xen_pages begins
 *	.xen_pages                a place for each pfn
 *
 * crash takes the place of an entry for its pfn, reads 512 of them at a time, and goes on far
 * beyond the last one when it looks for a frame that is not the guest's.  So the number of entries is
 * rounded up to 512, and behind them is enough to read.  Those without a page are { pfn, ~0 }.
 *
 * Of a 32-bit PV guest the same, as xl dump-core has it on a host of 64 bits: numbers of 64 bits, with
 * another e_machine, another place of the page size in the XEN_VERSION note, and registers in the first
 * 2800 bytes of their entries of .xen_prstatus.  There are no PT_LOADs, and no notes of registers in
 * the PT_NOTE, whose layout is that of 64 bits.
 *
 * All numbers are little endian.  Sources: System V ABI; xen docs/misc/dump-core-format.txt for
 * the sections named .note.Xen and .xen_*.
 */
#ifndef XL_FORMAT_ELF_FORMAT_H
#define XL_FORMAT_ELF_FORMAT_H

/* ---- Elf64_Ehdr ---- */
#define ELF_EHDR_SIZE 64
#define ELF_EI_CLASS 4      /* u8: 2, 64 bits */
#define ELF_EI_DATA 5       /* u8: 1, little endian */
#define ELF_EI_VERSION 6    /* u8: 1 */
#define ELF_EI_ABIVERSION 8 /* u8: 1, as Xen's own writer has it */
#define ELF_E_TYPE 16       /* u16: 4, ET_CORE */
#define ELF_E_MACHINE 18    /* u16: 62, EM_X86_64; 3, EM_386, of a 32-bit PV guest */
#define ELF_E_VERSION 20    /* u32: 1 */
#define ELF_E_PHOFF 32      /* u64: 64, makedumpfile takes nothing else; 0 for sections only */
#define ELF_E_SHOFF 40      /* u64 */
#define ELF_E_EHSIZE 52     /* u16 */
#define ELF_E_PHENTSIZE 54  /* u16 */
#define ELF_E_PHNUM 56      /* u16; 0 for sections only, which makes crash look at the sections */
#define ELF_E_SHENTSIZE 58  /* u16 */
#define ELF_E_SHNUM 60      /* u16 */
#define ELF_E_SHSTRNDX 62   /* u16 */
#define ELF_EM_386 3
#define ELF_EM_X86_64 62
#define ELF_PN_XNUM 0xffff  /* e_phnum: the number is in sh_info of Shdr[0] */

/* ---- Elf64_Phdr ---- */
#define ELF_PHDR_SIZE 56
#define ELF_P_TYPE 0   /* u32: 1 PT_LOAD, 4 PT_NOTE */
#define ELF_P_FLAGS 4  /* u32: 0 */
#define ELF_P_OFFSET 8 /* u64 */
#define ELF_P_VADDR 16 /* u64 */
#define ELF_P_PADDR 24 /* u64 */
#define ELF_P_FILESZ 32 /* u64; volatility drops segments where it is not p_memsz */
#define ELF_P_MEMSZ 40 /* u64 */
#define ELF_P_ALIGN 48 /* u64: 0, or crash takes the file for a netdump and ignores KASLR */
#define ELF_PT_LOAD 1
#define ELF_PT_NOTE 4

/* ---- Elf64_Shdr ---- */
#define ELF_SHDR_SIZE 64
#define ELF_SH_NAME 0       /* u32 */
#define ELF_SH_TYPE 4       /* u32: 1 PROGBITS, 3 STRTAB, 7 NOTE */
#define ELF_SH_OFFSET 24    /* u64 */
#define ELF_SH_SIZE 32      /* u64 */
#define ELF_SH_INFO 44      /* u32 */
#define ELF_SH_ADDRALIGN 48 /* u64 */
#define ELF_SH_ENTSIZE 56   /* u64 */
#define ELF_SHT_PROGBITS 1
#define ELF_SHT_STRTAB 3
#define ELF_SHT_NOTE 7

/* ---- notes: those of the PT_NOTE are in notes_format.h ---- */

/* "Xen" in .note.Xen (xen/include/public/elfnote.h).  Nothing else may be there: crash steps from
 * note to note by 16 + descsz. */
#define XEN_NOTE_NONE 0x2000000
#define XEN_NOTE_HEADER 0x2000001 /* u64 magic, nr_vcpus, nr_pages, page_size */
#define XEN_NOTE_VERSION 0x2000002
#define XEN_NOTE_FORMAT 0x2000003 /* u64 1 */
#define XEN_HEADER_SIZE 32
#define XEN_MAGIC_PV 0xf00febedULL  /* goes with .xen_p2m */
#define XEN_MAGIC_HVM 0xf00febeeULL /* auto-translated: also what a canonical PV guest is */

/* desc of XEN_NOTE_VERSION */
#define XEN_VERSION_SIZE 1280
#define XEN_VERSION_MAJOR 0           /* u64 */
#define XEN_VERSION_MINOR 8           /* u64 */
#define XEN_VERSION_EXTRA 16          /* char[16] */
#define XEN_VERSION_COMPILER 32       /* char[64] */
#define XEN_VERSION_COMPILE_BY 96     /* char[16] */
#define XEN_VERSION_COMPILE_DOMAIN 112 /* char[32] */
#define XEN_VERSION_COMPILE_DATE 144  /* char[32] */
#define XEN_VERSION_CAPABILITIES 176  /* char[1024] */
#define XEN_VERSION_CHANGESET 1200    /* char[64] */
#define XEN_VERSION_VIRT_START 1264   /* u64 */
#define XEN_VERSION_PAGESIZE 1272     /* u64 */
#define XEN_VERSION_PAGESIZE_32 1268  /* of a 32-bit PV guest: behind a number of 4 bytes */

/* ---- sizes of entries ---- */
#define XEN_P2M_SIZE 16
#define XEN_P2M_AT_ONCE 512
#define XLDUMP_P2M_RUN_SIZE 24
#define XLDUMP_TABLE_SIZE 16
#define XLDUMP_EDIT_SIZE 16

/* struct vcpu_guest_context: ctrlreg[3].  Of a 32-bit PV guest: hv/context32.h. */
#define XEN_CONTEXT_CR3 5008

#endif
