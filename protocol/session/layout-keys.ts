/** Which keys type which character, by the Windows keyboard layouts of the languages that most users have. */

/** A key that is pressed, with what is held meanwhile. */
export interface KeyStroke {
  /** Set 1 scancode without a prefix. */
  readonly code: number;
  readonly shift: boolean;
  readonly altGr: boolean;
}

/** What a layout types: a character by one stroke, or an accent by a dead key that waits for a letter. */
export interface LayoutKeys {
  readonly direct: ReadonlyMap<string, KeyStroke>;
  readonly dead: ReadonlyMap<string, KeyStroke>;
}

/** @param layout a Windows input locale identifier; `undefined` where its keys are not known here */
export function layoutKeys(layout: number): LayoutKeys | undefined {
  const table = TABLES.get(layout);
  return table === undefined ? undefined : expand(table);
}

/**
 * One layout as it is printed on the keys, row by row; a blank is a key that types nothing. `altGr` and `altGrShift` are
 * pairs: what the key types by itself, and what with AltGr. Dead keys are named by what they add.
 */
interface LayoutTable {
  readonly plain: readonly [string, string, string, string];
  readonly shift: readonly [string, string, string, string];
  readonly altGr?: string;
  readonly altGrShift?: string;
  readonly dead?: string;
  readonly deadAltGr?: string;
}

/** The scancodes of each row of `LayoutTable`. */
const ROWS: readonly (readonly number[])[] = [
  [0x29, ...range(0x02, 0x0d)],
  range(0x10, 0x1b),
  [...range(0x1e, 0x28), 0x2b],
  [0x56, ...range(0x2c, 0x35)],
];

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}

const NORDIC_ALT_GR = '2@ 3£ 4$ 5€ 7{ 8[ 9] 0} e€ ¨~ mµ';
const NORDIC_BOTTOM = ['<zxcvbnm,.-', '>ZXCVBNM;:_'] as const;

const SWEDISH: LayoutTable = {
  plain: ['§1234567890+´', 'qwertyuiopå¨', "asdfghjklöä'", NORDIC_BOTTOM[0]],
  shift: ['½!"#¤%&/()=?`', 'QWERTYUIOPÅ^', 'ASDFGHJKLÖÄ*', NORDIC_BOTTOM[1]],
  altGr: `${NORDIC_ALT_GR} +\\ <|`,
  dead: '´`¨^',
  deadAltGr: '~',
};

const TABLES: ReadonlyMap<number, LayoutTable> = new Map<number, LayoutTable>([
  [
    0x0409, // United States
    {
      plain: ['`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'\\", '\\zxcvbnm,./'],
      shift: ['~!@#$%^&*()_+', 'QWERTYUIOP{}', 'ASDFGHJKL:"|', '|ZXCVBNM<>?'],
    },
  ],
  [
    0x0809, // United Kingdom
    {
      plain: ['`1234567890-=', 'qwertyuiop[]', "asdfghjkl;'#", '\\zxcvbnm,./'],
      shift: ['¬!"£$%^&*()_+', 'QWERTYUIOP{}', 'ASDFGHJKL:@~', '|ZXCVBNM<>?'],
      altGr: '`¦ 4€ eé uú ií oó aá',
      altGrShift: 'eÉ uÚ iÍ oÓ aÁ',
    },
  ],
  [
    0x0407, // Germany
    {
      plain: ['^1234567890ß´', 'qwertzuiopü+', 'asdfghjklöä#', '<yxcvbnm,.-'],
      shift: ['°!"§$%&/()=?`', 'QWERTZUIOPÜ*', "ASDFGHJKLÖÄ'", '>YXCVBNM;:_'],
      altGr: '2² 3³ 7{ 8[ 9] 0} ß\\ q@ e€ +~ <| mµ',
      dead: '^´`',
    },
  ],
  [
    0x0807, // Switzerland, German
    {
      plain: ["§1234567890'^", 'qwertzuiopü¨', 'asdfghjklöä$', '<yxcvbnm,.-'],
      shift: ['°+"*ç%&/()=?`', 'QWERTZUIOPè!', 'ASDFGHJKLéà£', '>YXCVBNM;:_'],
      altGr: "1¦ 2@ 3# 6¬ 7| 8¢ '´ ^~ e€ ü[ ¨] ä{ $} <\\",
      dead: '^`¨',
      deadAltGr: '´~',
    },
  ],
  [
    0x100c, // Switzerland, French
    {
      plain: ["§1234567890'^", 'qwertzuiopè¨', 'asdfghjkléà$', '<yxcvbnm,.-'],
      shift: ['°+"*ç%&/()=?`', 'QWERTZUIOPü!', 'ASDFGHJKLöä£', '>YXCVBNM;:_'],
      altGr: "1¦ 2@ 3# 6¬ 7| 8¢ '´ ^~ e€ è[ ¨] à{ $} <\\",
      dead: '^`¨',
      deadAltGr: '´~',
    },
  ],
  [
    0x040c, // France
    {
      plain: ['²&é"\'(-è_çà)=', 'azertyuiop^$', 'qsdfghjklmù*', '<wxcvbn,;:!'],
      shift: [' 1234567890°+', 'AZERTYUIOP¨£', 'QSDFGHJKLM%µ', '>WXCVBN?./§'],
      altGr: 'é~ "# \'{ ([ -| è` _\\ ç^ à@ )] =} e€ $¤',
      dead: '^¨',
      deadAltGr: '~`',
    },
  ],
  [
    0x080c, // Belgium
    {
      plain: ['²&é"\'(§è!çà)-', 'azertyuiop^$', 'qsdfghjklmùµ', '<wxcvbn,;:='],
      shift: ['³1234567890°_', 'AZERTYUIOP¨*', 'QSDFGHJKLM%£', '>WXCVBN?./+'],
      altGr: '&| é@ "# §^ ç{ à} e€ ^[ $] ù´ µ` =~ <\\',
      dead: '^¨',
      deadAltGr: '´`~',
    },
  ],
  [
    0x0410, // Italy
    {
      plain: ["\\1234567890'ì", 'qwertyuiopè+', 'asdfghjklòàù', '<zxcvbnm,.-'],
      shift: ['|!"£$%&/()=?^', 'QWERTYUIOPé*', 'ASDFGHJKLç°§', '>ZXCVBNM;:_'],
      altGr: 'è[ +] ò@ à# e€',
      altGrShift: 'è{ +}',
    },
  ],
  [
    0x040a, // Spain
    {
      plain: ["º1234567890'¡", 'qwertyuiop`+', 'asdfghjklñ´ç', '<zxcvbnm,.-'],
      shift: ['ª!"·$%&/()=?¿', 'QWERTYUIOP^*', 'ASDFGHJKLÑ¨Ç', '>ZXCVBNM;:_'],
      altGr: 'º\\ 1| 2@ 3# 4~ 5€ 6¬ e€ `[ +] ´{ ç}',
      dead: '`^´¨',
      deadAltGr: '~',
    },
  ],
  [
    0x080a, // Latin America
    {
      plain: ["|1234567890'¿", 'qwertyuiop´+', 'asdfghjklñ{}', '<zxcvbnm,.-'],
      shift: ['°!"#$%&/()=?¡', 'QWERTYUIOP¨*', 'ASDFGHJKLÑ[]', '>ZXCVBNM;:_'],
      altGr: "|¬ q@ '\\ +~ {^ }`",
      dead: '´¨',
      deadAltGr: '^`',
    },
  ],
  [
    0x0816, // Portugal
    {
      plain: ["\\1234567890'«", 'qwertyuiop+´', 'asdfghjklçº~', '<zxcvbnm,.-'],
      shift: ['|!"#$%&/()=?»', 'QWERTYUIOP*`', 'ASDFGHJKLÇª^', '>ZXCVBNM;:_'],
      altGr: '2@ 3£ 4§ 5€ 7{ 8[ 9] 0} e€ +¨',
      dead: '´`~^',
      deadAltGr: '¨',
    },
  ],
  [
    0x0416, // Brazil, ABNT2
    {
      plain: ["'1234567890-=", 'qwertyuiop´[', 'asdfghjklç~]', '\\zxcvbnm,.;'],
      shift: ['"!@#$%¨&*()_+', 'QWERTYUIOP`{', 'ASDFGHJKLÇ^}', '|ZXCVBNM<>:'],
      altGr: '1¹ 2² 3³ 4£ 5¢ 6¬ =§ q/ w?',
      dead: '´`~^¨',
    },
  ],
  [
    0x0414, // Norway
    {
      plain: ['|1234567890+\\', 'qwertyuiopå¨', "asdfghjkløæ'", NORDIC_BOTTOM[0]],
      shift: ['§!"#¤%&/()=?`', 'QWERTYUIOPÅ^', 'ASDFGHJKLØÆ*', NORDIC_BOTTOM[1]],
      altGr: `${NORDIC_ALT_GR} \\´`,
      dead: '`¨^',
      deadAltGr: '´~',
    },
  ],
  [
    0x0406, // Denmark
    {
      plain: ['½1234567890+´', 'qwertyuiopå¨', "asdfghjklæø'", NORDIC_BOTTOM[0]],
      shift: ['§!"#¤%&/()=?`', 'QWERTYUIOPÅ^', 'ASDFGHJKLÆØ*', NORDIC_BOTTOM[1]],
      altGr: `${NORDIC_ALT_GR} ´| <\\`,
      dead: '´`¨^',
      deadAltGr: '~',
    },
  ],
  [0x041d, SWEDISH],
  [0x040b, SWEDISH], // Finland
  [
    0x0419, // Russia
    {
      plain: ['ё1234567890-=', 'йцукенгшщзхъ', 'фывапролджэ\\', '\\ячсмитьбю.'],
      shift: ['Ё!"№;%:?*()_+', 'ЙЦУКЕНГШЩЗХЪ', 'ФЫВАПРОЛДЖЭ/', '|ЯЧСМИТЬБЮ,'],
    },
  ],
]);

function expand(table: LayoutTable): LayoutKeys {
  const direct = new Map<string, KeyStroke>([[' ', { code: SPACE, shift: false, altGr: false }]]);
  const dead = new Map<string, KeyStroke>();
  const add = (character: string, stroke: KeyStroke, accents = '') => {
    const map = accents.includes(character) ? dead : direct;
    // The first key that has it is the one to press.
    if (character !== ' ' && !map.has(character)) map.set(character, stroke);
  };
  const codes = new Map<string, number>();
  for (const [row, keys] of ROWS.entries()) {
    for (const [i, code] of keys.entries()) {
      const plain = table.plain[row]?.[i] ?? ' ';
      if (!codes.has(plain)) codes.set(plain, code);
      add(plain, { code, shift: false, altGr: false }, table.dead);
      add(table.shift[row]?.[i] ?? ' ', { code, shift: true, altGr: false }, table.dead);
    }
  }
  for (const [shift, pairs] of [
    [false, table.altGr],
    [true, table.altGrShift],
  ] as const) {
    for (const [key = '', character = ''] of pairs?.split(' ') ?? []) {
      const code = codes.get(key);
      if (code !== undefined) add(character, { code, shift, altGr: true }, table.deadAltGr);
    }
  }
  return { direct, dead };
}

const SPACE = 0x39;
