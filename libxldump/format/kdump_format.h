/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A kdump-compressed file, version 6 of its header, byte for byte.  Constants only.
 *
 *	block 0            disk_dump_header
 *	block 1..          kdump_sub_header, and the notes behind it; sub_hdr_size blocks
 *	                   bitmap 1: a bit for each pfn, lowest first: is memory (or a trap that is
 *	                   stepped around, see kernel_memory() in kdump_seal.c)
 *	                   bitmap 2: has a descriptor; each is half of bitmap_blocks
 *	                   page_desc[], one for each bit of bitmap 2, ascending by pfn
 *	                   the pages
 *	                   records
 *
 * Pages are anywhere behind the tables, in no order; descriptors of equal pages share one.  So they
 * can be written before it is known which there are: in front of them is room, a hole, for the
 * descriptors of all pfns.  Readers take the place of the descriptors from sub_hdr_size and
 * bitmap_blocks, and the second bitmap for the second half of bitmap_blocks.
 *
 * Records are what an ELF file of ours has in the sections of the same names (elf_format.h): no
 * reader looks behind the pages, and what it takes from the notes it reads into memory as a whole,
 * so that in these there is only where the records are, in one more note named XLDUMP, the last:
 *
 *	.note.Xen          Xen's notes
 *	.xen_prstatus      vcpu_guest_context for each vCPU id, none left out
 *	.xen_shared_info   one page, if there is one
 *	.xldump_p2m        PV: runs of { u64 pfn, u64 mfn, u64 count }
 *	.xldump_tables     PV: { u64 pfn, u64 level }
 *	.xldump_edits      { u64 paddr, u64 old value }
 *	.xldump_digests    digest_format.h; data is from the first page to the first record
 *
 * Each begins at a multiple of 8.  Those that would be empty are left out.  Offsets are those of the
 * file reassembled, when it was written to a pipe in the flattened form.
 *
 * All numbers are little endian.  Sources: crash diskdump.h and diskdump.c; makedumpfile
 * diskdump_mod.h and IMPLEMENTATION; libkdumpfile diskdump.c; qemu include/sysemu/dump.h.
 */
#ifndef XL_FORMAT_KDUMP_FORMAT_H
#define XL_FORMAT_KDUMP_FORMAT_H

#define KDUMP_BLOCK 4096

/* ---- struct disk_dump_header of x86_64 ---- */
#define KDUMP_HEADER_SIZE 464
#define KDUMP_SIGNATURE "KDUMP   "  /* char[8] at 0 */
#define KDUMP_VERSION 8             /* u32: 6 */
#define KDUMP_UTSNAME 12            /* struct new_utsname: 6 x char[65], the order of uname(2).
				       libkdumpfile learns the architecture from it, and wants the
				       first four of them */
#define KDUMP_UTSNAME_FIELD 65
#define KDUMP_TV_SEC 408            /* u64 */
#define KDUMP_TV_USEC 416           /* u64: 0, for a reader that looks for the header of 32 bits
				       first finds its block size here (libkdumpfile) */
#define KDUMP_STATUS 424            /* u32: a flag of KDUMP_* below, if any page may have it */
#define KDUMP_BLOCK_SIZE 428        /* u32 */
#define KDUMP_SUB_HDR_SIZE 432      /* u32: blocks */
#define KDUMP_BITMAP_BLOCKS 436     /* u32: of both bitmaps */
#define KDUMP_MAX_MAPNR 440         /* u32: the last pfn + 1, or 2^32 - 1 */
#define KDUMP_NR_CPUS 460           /* u32: at least 1 */

/* ---- struct kdump_sub_header, at KDUMP_BLOCK ---- */
#define KDUMP_SUB_SIZE 104
#define KDUMP_SUB_PHYS_BASE 0         /* u64 */
#define KDUMP_SUB_DUMP_LEVEL 8        /* u32: which pages makedumpfile -d left out */
#define KDUMP_SUB_SPLIT 12            /* u32: 0, not one of several files */
#define KDUMP_SUB_VMCOREINFO 32       /* u64: where the text is in the file, without its note */
#define KDUMP_SUB_VMCOREINFO_SIZE 40  /* u64 */
#define KDUMP_SUB_NOTE 48             /* u64: where the notes are */
#define KDUMP_SUB_NOTE_SIZE 56        /* u64 */
#define KDUMP_SUB_ERASEINFO 64	    /* u64: where the text is of what was erased, in version 5 on */
#define KDUMP_SUB_ERASEINFO_SIZE 72 /* u64 */
#define KDUMP_SUB_MAX_MAPNR_64 96     /* u64: the last pfn + 1 */

/* ---- struct page_desc ---- */
#define KDUMP_DESC_SIZE 24
#define KDUMP_DESC_OFFSET 0 /* u64 */
#define KDUMP_DESC_LENGTH 8 /* u32: 4096 if flags is 0, else less */
#define KDUMP_DESC_FLAGS 12 /* u32 */
			    /* u64: flags of struct page, of old formats: 0 */

/* ---- note of type KDUMP_RECORDS_NOTE_TYPE, named XLDUMP ----
 * u64 size of the file, then one entry for each record.  makedumpfile, when it filters such a file
 * once more, copies the notes but not what is behind the pages: if the file has another size, there
 * are no records. */
#define KDUMP_RECORDS_NOTE_TYPE 0x584c4432 /* "XLD2" */
#define KDUMP_RECORDS_HEAD 8
#define KDUMP_RECORD_SIZE 40
#define KDUMP_RECORD_NAME 24   /* char[24] at 0: ends with a NUL */
#define KDUMP_RECORD_OFFSET 24 /* u64 */
#define KDUMP_RECORD_BYTES 32  /* u64 */

/* Flags of a page, and of the header. */
#define KDUMP_ZLIB 0x1
#define KDUMP_LZO 0x2
#define KDUMP_SNAPPY 0x4
#define KDUMP_ZSTD 0x20

#endif
