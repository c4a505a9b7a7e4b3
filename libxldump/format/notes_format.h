/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The notes of registers, VMCOREINFO and our own, byte for byte.  Constants only.  Sources: System V
 * ABI; qemu dump/dump.c and target/i386/arch_dump.c for the notes named CORE and QEMU. */
#ifndef XL_FORMAT_NOTES_FORMAT_H
#define XL_FORMAT_NOTES_FORMAT_H

/* ---- notes: u32 namesz, u32 descsz, u32 type, name and desc padded to 4 ---- */
#define NOTE_HEAD_SIZE 12

/* "CORE": struct elf_prstatus of Linux x86_64 (include/linux/elfcore.h) */
#define PRSTATUS_NOTE_TYPE 1
#define PRSTATUS_SIZE 336
#define PRSTATUS_PID 32  /* u32: vCPU id + 1, by which drgn finds the registers of a CPU */
#define PRSTATUS_REG 112 /* u64[27], struct user_regs_struct */
#define PRSTATUS_NREGS 27

/* "QEMU": struct QEMUCPUState, version 1, with the kernel_gs_base that elf2dmp wants:
 *   u32 version, u32 size, u64 reg[18],
 *   10 segments of { u32 selector, limit, flags, pad; u64 base },
 *   u64 cr[5], u64 kernel_gs_base */
#define QEMU_NOTE_TYPE 0
#define QEMU_STATE_VERSION 1
#define QEMU_STATE_SIZE 440
#define QEMU_STATE_REGS 8
#define QEMU_STATE_SEGMENTS 152
#define QEMU_SEGMENT_SIZE 24
#define QEMU_STATE_CR 392
#define QEMU_STATE_KERNEL_GS 432

/* "VMCOREINFO": the guest's text, verbatim, without a NUL */
#define VMCOREINFO_NOTE_TYPE 0

/* "XLDUMP": JSON, NUL-terminated.  The type is none that crash knows, for it looks at types before
 * names: ASCII "XLD1". */
#define XLDUMP_NOTE_TYPE 0x584c4431

#endif
