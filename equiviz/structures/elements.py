"""Chemical symbols by atomic number (IUPAC 2016 names); number 0 is the unknown element X, as in ASE."""

from __future__ import annotations

_IN_ORDER = (
    "X H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr Rb Sr Y Zr "
    "Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm Yb Lu Hf Ta W Re Os Ir Pt "
    "Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf Es Fm Md No Lr Rf Db Sg Bh Hs Mt Ds Rg Cn Nh Fl Mc Lv "
    "Ts Og"
)

SYMBOLS: tuple[str, ...] = tuple(_IN_ORDER.split())


def symbol(number: int) -> str:
    """Return the chemical symbol of an atomic number, or the number itself as text where no element has it."""
    return SYMBOLS[number] if 0 <= number < len(SYMBOLS) else str(number)


_NUMBERS = {name.lower(): number for number, name in enumerate(SYMBOLS)} | {"d": 1, "t": 1}


def atomic_number(label: str) -> int | None:
    """Return the atomic number of a symbol in any case (D and T are hydrogen), or None for what is no element."""
    return _NUMBERS.get(label.lower())
