#!/usr/bin/env python3
"""Prints the rows of the table in json_pow10.c, exactly, when Riposte is built.

A row is 10^k * 2^n, with n so that it has 128 bits, and cut off there: its high and its low half.
"""
import sys

first, last = map(int, sys.argv[1:])
for k in range(first, last + 1):
    if k >= 0:
        n = 128 - (10**k).bit_length()
        row = 10**k << n if n >= 0 else 10**k >> -n
    else:
        row = (1 << 127 + (10**-k).bit_length()) // 10**-k
    assert row.bit_length() == 128
    print(f'{{0x{row >> 64:016x}u, 0x{row & (1 << 64) - 1:016x}u}}, /* 10^{k} */')
