/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LAB_GUEST_XENSTORE_H
#define LAB_GUEST_XENSTORE_H

/* Write a node and print the answer: OK, or the name of an errno. */
void xenstore_write(const char *path, const char *value);

#endif
