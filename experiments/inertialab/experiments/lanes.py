"""Normal random numbers for compiled loops, many lanes at a time, so that the compiler can use wide registers.

Each lane is a xoshiro128++ generator (Blackman and Vigna 2019) whose state is a hash of (seed, block, chunk, lane): a
stream is found again without storing anything, and no stream depends on how blocks are spread over threads. Two
32-bit numbers make two normal ones by the method of Box and Muller with polynomials for logarithm, sine and cosine;
their resolution is that of float32, |z| <= 6.7.
"""

import math

import numba as nb
import numpy as np
from numba import float32, int32, uint32, uint64

LANES = 256
"""Particles in a block."""


@nb.njit(forceinline=True)
def mixed(z):
    """Finaliser of splitmix64 (Steele, Lea and Flood 2014): a bijection in which every bit moves half of the others."""
    z = (z ^ (z >> uint64(30))) * uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> uint64(27))) * uint64(0x94D049BB133111EB)
    return z ^ (z >> uint64(31))


@nb.njit
def seeded(words, seed, block, chunk):
    """Fill the state of all lanes, shape (4, LANES), from a hash of seed, block and chunk."""
    key = mixed(uint64(seed) + uint64(0x9E3779B97F4A7C15))
    key = mixed(key ^ (uint64(block) * uint64(0xD1B54A32D192ED03) + uint64(1)))
    key = mixed(key ^ (uint64(chunk) * uint64(0xABC98388FB8FAC03) + uint64(2)))
    for lane in range(LANES):
        for half in range(2):
            bits = mixed(key + uint64(2 * lane + half + 1) * uint64(0x9E3779B97F4A7C15))
            words[2 * half, lane] = uint32(bits)
            words[2 * half + 1, lane] = uint32(bits >> uint64(32))
        words[0, lane] |= uint32(1)  # the one forbidden state is all zeros


@nb.njit(forceinline=True)
def _draw(words, out):
    for j in range(LANES):
        a, b, c, d = words[0, j], words[1, j], words[2, j], words[3, j]
        total = uint32(a + d)
        out[j] = uint32(((total << uint32(7)) | (total >> uint32(25))) + a)
        shifted = uint32(b << uint32(9))
        c ^= a
        d ^= b
        words[1, j] = b ^ c
        words[0, j] = a ^ d
        words[2, j] = c ^ shifted
        words[3, j] = uint32((d << uint32(11)) | (d >> uint32(21)))


@nb.njit(fastmath=True, forceinline=True)
def normals(words, bits, unit, angle, first, second):
    """Two arrays of LANES standard normal numbers; `unit` is a float32 view of the scratch `bits`."""
    _draw(words, bits)
    for j in range(LANES):
        unit[j] = (float32(int32(bits[j] >> uint32(1))) + float32(0.5)) * float32(2.0**-31)
    # The logarithm: exponent and mantissa apart, the mantissa in [sqrt(1/2), sqrt(2)).
    for j in range(LANES):
        power = int32(bits[j] - uint32(0x3F3504F3)) >> int32(23)
        bits[j] = uint32(bits[j] - uint32(power << int32(23)))
        first[j] = float32(power)
    for j in range(LANES):
        f = unit[j] - float32(1)
        s = f / (float32(2) + f)
        s2 = s * s
        # atanh series, 2s(1 + s²/3 + s⁴/5 + ...), cut where float32 no longer sees it for |s| <= 0.172
        series = s2 * (float32(1 / 3) + s2 * (float32(1 / 5) + s2 * (float32(1 / 7) + s2 * float32(1 / 9))))
        log = first[j] * float32(math.log(2)) + float32(2) * s * (float32(1) + series)
        first[j] = math.sqrt(max(float32(-2) * log, float32(0)))
    _draw(words, angle)
    for j in range(LANES):
        turn = float32(int32(angle[j] >> uint32(8))) * float32(2.0**-24)
        quarter = math.floor(turn * float32(4) + float32(0.5))
        q = int32(quarter)
        t = (turn - quarter * float32(0.25)) * float32(2 * math.pi)
        t2 = t * t
        # Taylor series for |t| <= pi/4
        sine = t * (
            float32(1)
            + t2 * (float32(-1 / 6) + t2 * (float32(1 / 120) + t2 * (float32(-1 / 5040) + t2 * float32(1 / 362880))))
        )
        cosine = float32(1) + t2 * (
            float32(-1 / 2) + t2 * (float32(1 / 24) + t2 * (float32(-1 / 720) + t2 * float32(1 / 40320)))
        )
        up, across = (cosine, sine) if q & 1 else (sine, cosine)
        radius = first[j]
        second[j] = radius * (-up if q & 2 else up)
        first[j] = radius * (-across if (q + 1) & 2 else across)


@nb.njit(parallel=True)
def sample(out, seed, chunk):
    """Fill a float32 array of shape (blocks, steps, LANES) with normal numbers; for tests and pictures."""
    for block in nb.prange(out.shape[0]):
        words = np.empty((4, LANES), np.uint32)
        seeded(words, seed, block, chunk)
        bits, angle = np.empty(LANES, np.uint32), np.empty(LANES, np.uint32)
        unit = bits.view(np.float32)
        first, second = np.empty(LANES, np.float32), np.empty(LANES, np.float32)
        for step in range(0, out.shape[1], 2):
            normals(words, bits, unit, angle, first, second)
            out[block, step] = first
            if step + 1 < out.shape[1]:
                out[block, step + 1] = second
