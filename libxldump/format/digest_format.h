/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Digests of a dump, byte for byte.  Constants only.
 *
 * They are there to name what was damaged on the way: a page by its pfn, or everything that is not
 * a page.  They are no signature: who can change the dump can change them.
 *
 *	char magic[8]
 *	u32 version, algorithm
 *	u64 pages               number of digests that follow
 *	u64 meta                digest of all bytes that are not contents of pages, see below
 *	u64 data, data_size     the part of the file that is contents of pages
 *	u64 digest[pages]       of the contents of each page of the dump, ascending by pfn
 *
 * A page has the digest of its 4096 bytes as they are in the guest's dump, whether the file has
 * them compressed, shared with another page or not at all (a hole).  The digest of a page of zeros
 * is 0, so that they are a hole here too; one of another page that happens to be 0 is written as 1.
 *
 * meta is that of the whole file in order, less [data, data + data_size), and with these bytes
 * taken for zeros:
 *  - the member meta itself;
 *  - in an ELF file e_phoff and e_phnum, so that the forms with and without program headers can be
 *    made from each other by writing these two; they must be 64 and what they were, or both 0.
 * Of a flattened file it is that of the file reassembled.
 *
 * An ELF file that was written to a pipe has none, for they take a look back; xldumpctl reassemble
 * does not add them.
 *
 * In an ELF file this is section .xldump_digests, in a kdump-compressed one the record of that name
 * (kdump_format.h).
 *
 * All numbers are little endian.
 */
#ifndef XL_FORMAT_DIGEST_FORMAT_H
#define XL_FORMAT_DIGEST_FORMAT_H

#define DIGEST_MAGIC "XLDIGEST"
#define DIGEST_MAGIC_SIZE 8
#define DIGEST_VERSION_AT 8    /* u32: 1 */
#define DIGEST_VERSION 1
#define DIGEST_ALGORITHM_AT 12 /* u32 */
#define DIGEST_XXH3_64 1       /* XXH3, 64 bits, seed 0 */
#define DIGEST_PAGES 16
#define DIGEST_META 24
#define DIGEST_DATA 32
#define DIGEST_DATA_SIZE 40
#define DIGEST_HEADER_SIZE 48

#define DIGEST_SECTION ".xldump_digests"

#endif
