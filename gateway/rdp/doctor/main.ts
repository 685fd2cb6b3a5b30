import { ConfigError, graphicsOf } from '../../config.ts';
import { askPassword } from './ask-password.ts';
import { type CommandLine, CommandLineError, readCommandLine, USAGE } from './command-line.ts';
import { type DoctorOptions, diagnose } from './doctor.ts';
import { formatStep, formatVerdict } from './report.ts';

/** `npm run doctor -- HOST[:PORT] …`: the connection doctor on a terminal. */
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (!(error instanceof CommandLineError || error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}

async function main(words: readonly string[]): Promise<number> {
  const command = readCommandLine(words);
  if (command === undefined) {
    process.stdout.write(USAGE);
    return 0;
  }
  const { json, options } = command;
  const credentials = await readCredentials(command);
  if (!json) process.stdout.write(`${options.host} port ${options.port}\n`);
  const report = await diagnose({
    ...options,
    graphics: graphicsOf('ORIEL_GRAPHICS', process.env.ORIEL_GRAPHICS),
    ...(credentials !== undefined && { credentials }),
    ...(!json && { onStep: (step) => process.stdout.write(`${formatStep(step)}\n`) }),
  });
  process.stdout.write(json ? `${JSON.stringify(report, undefined, 2)}\n` : `\n${formatVerdict(report)}\n`);
  return report.verdict === 'failed' ? 1 : 0;
}

async function readCredentials({ account }: CommandLine): Promise<DoctorOptions['credentials']> {
  if (account === undefined) return undefined;
  const { ORIEL_DOCTOR_PASSWORD: given } = process.env;
  delete process.env.ORIEL_DOCTOR_PASSWORD;
  if (given !== undefined) return { ...account, password: given };
  if (!process.stdin.isTTY) {
    throw new CommandLineError('there is no terminal to ask for the password on: set ORIEL_DOCTOR_PASSWORD');
  }
  const password = await askPassword(`Password of ${account.username}: `, process.stdin, process.stderr);
  if (password === undefined) throw new CommandLineError('no password was given');
  return { ...account, password };
}
