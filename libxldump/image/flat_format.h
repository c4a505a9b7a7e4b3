/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The flattened form of a file, byte for byte, as makedumpfile -F writes it to a pipe.  Constants
 * only.
 *
 * A header of 4096 bytes, then records of an offset, a length and so many bytes, in the order in
 * which they were written; what no record covers is zeros.  Offset and length of the last are both
 * -1.  Numbers are big endian.  Source: makedumpfile.h, struct makedumpfile_header.
 */
#ifndef XL_IMAGE_FLAT_FORMAT_H
#define XL_IMAGE_FLAT_FORMAT_H

#define FLAT_SIGNATURE "makedumpfile" /* char[16], NULs behind it */
#define FLAT_SIGNATURE_SIZE 16
#define FLAT_TYPE 16           /* i64: 1 */
#define FLAT_VERSION 24        /* i64: 1 */
#define FLAT_HEADER_SIZE 4096
#define FLAT_RECORD_SIZE 16    /* i64 offset, i64 length */

#endif
