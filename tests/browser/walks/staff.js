// The staff's ways: the owner joins, signs in, reads, sets up a second factor, invites, off-boards, keeps the
// practice safe, and leaves; a colleague joins and is gone. Every act of theirs is done wrong once, too.
import { Person } from '../lib/person.js';
import { Authenticator } from '../lib/totp.js';
import { kCanary } from './patient.js';

const kOwnerPassword = 'nine herons wade by the old mill';
const kColleaguePassword = 'a lantern for the ferry in march';
const kLaterPassword = 'twelve grey stones under the bridge';

function expect(holds, words) {
  if (!holds) {
    throw new Error(words);
  }
}

async function join(person, code, password) {
  const again = { 'New password': password, 'New password again': password };
  await person.open('/');
  await person.follow('Staff: sign in');
  await person.follow('Accept an invitation');
  await person.send('Make my account', { 'Invitation code': code, 'New password': 'short', 'New password again': 'short' }, 422);
  await person.send('Make my account', { 'Invitation code': code, ...again });
  await person.reads('Welcome');
  await person.follow('Sign in');
}

async function signIn(person, practice, login, password, code = '', status = 200) {
  await person.open(`/sign-in?practice=${practice.name}`);
  await person.send('Sign in', { 'Sign-in name': login, Password: password,
    'Code from your app, if you set one up': code }, status);
}

export function staffSteps(scene, size, practice) {
  const own = { 'Your password': kOwnerPassword };
  let owner;
  let elsewhere;
  let colleague;
  let app;
  let spare;
  let shares;
  return {
    'an owner accepts the invitation, mistypes, and signs in': async () => {
      owner = await Person.arrive(scene, size);
      await join(owner, practice.invitation, kOwnerPassword);
      await signIn(owner, practice, 'harriet', 'not this one at all', '', 401);
      await owner.reads('There is a problem');
      await owner.send('Sign in', { Password: kOwnerPassword });
      await owner.reads('Submitted forms');
    },
    'the list has each form once, and one is read': async () => {
      const forms = await owner.wordsOf('tbody tr td:nth-child(2)');
      expect(forms.length === 2, `the list has ${forms.length} forms and not 2: ${forms}`);
      await owner.page.locator('tbody tr', { hasText: 'intake' }).getByRole('link').click();
      await owner.reads(kCanary);
      await owner.look();
      await owner.follow('All submitted forms');
    },
    'a second factor is set up with a mistyped code first, and is used': async () => {
      await owner.follow('harriet');
      await owner.follow('Second factor: off');
      await owner.send('Set up a second factor');
      app = new Authenticator((await owner.wordsOf('.code code')).join(''));
      await owner.send('Turn it on', { 'Code that the app shows now': '12 34', ...own }, 422);
      expect((await owner.wordsOf('.code code')).join('').replaceAll(' ', '') === app.secret.replaceAll(' ', ''),
        'a mistyped code changed the secret');
      await owner.send('Turn it on', { 'Code that the app shows now': app.next(), ...own });
      spare = await owner.wordsOf('.spare-codes code');
      expect(spare.length === 10, `there are ${spare.length} spare codes`);
      await owner.follow('All submitted forms');
      await owner.send('Sign out');
      await signIn(owner, practice, 'harriet', kOwnerPassword, '', 401);
      await signIn(owner, practice, 'harriet', kOwnerPassword, app.next());
      await owner.reads('Submitted forms');
    },
    'a spare code opens once, elsewhere; new ones are made; that session is ended': async () => {
      elsewhere = await Person.arrive(scene, size);
      await signIn(elsewhere, practice, 'harriet', kOwnerPassword, spare[0]);
      await owner.open('/account');
      await owner.send('End');
      await elsewhere.reload(401);
      await signIn(elsewhere, practice, 'harriet', kOwnerPassword, spare[0], 401);
      await elsewhere.leave();
      await owner.follow('Second factor: on');
      await owner.send('Make new spare codes', own);
      await owner.open('/account/second-factor');
      await owner.send('Turn it off', { 'Your password': 'not this one at all' }, 422);
      await owner.send('Turn it off', own);
    },
    'a colleague is invited, joins, reads, and may not do what owners do': async () => {
      await owner.open(`/p/${practice.name}/staff`);
      const invitation = { 'Sign-in name of the colleague': 'maria', Role: 'clinician' };
      await owner.send('Make an invitation', { ...invitation, 'Your password': 'not this one at all' }, 422);
      await owner.send('Make an invitation', { ...invitation, ...own });
      const [code] = await owner.wordsOf('.code code');
      await owner.follow('People of the practice');
      colleague = await Person.arrive(scene, size);
      await join(colleague, code, kColleaguePassword);
      await signIn(colleague, practice, 'maria', kColleaguePassword);
      await colleague.reads('Submitted forms');
      await colleague.open(`/p/${practice.name}/staff`, 403);
      await colleague.open(`/p/${practice.name}/submissions`);
    },
    'the colleague changes the password': async () => {
      await colleague.follow('maria');
      const later = { 'New password': kLaterPassword, 'New password again': kLaterPassword };
      await colleague.send('Change it', { 'Present password': kColleaguePassword, ...later, 'New password again': 'x' }, 422);
      await colleague.send('Change it', { 'Present password': kColleaguePassword, ...later });
    },
    'the colleague is off-boarded and out at once': async () => {
      await owner.open(`/p/${practice.name}/staff`);
      await owner.send('Disable maria', { 'Your password': 'not this one at all' }, 422);
      await owner.send('Disable maria', own);
      await colleague.open(`/p/${practice.name}/submissions`, 401);
      await signIn(colleague, practice, 'maria', kLaterPassword, '', 401);
      await colleague.leave();
    },
    'an escrow is made, confirmed and ended; a new kit is made': async () => {
      await owner.follow('Recovery kit and escrow');
      const escrow = { 'Holders: one name a line, 2 to 10 of them': 'Ann\nBo\nCy',
        'How many of them are needed (at least 2)': '2', ...own };
      await owner.send('Make an escrow', { ...escrow, 'How many of them are needed (at least 2)': '1' }, 422);
      await owner.send('Make an escrow', escrow);
      const [checksum] = await owner.wordsOf('.sheet dd:last-of-type code');
      await owner.follow('Recovery kit and escrow');
      await owner.send('Confirm', { 'Checksum on the sheet of Ann': 'abcdefgh', ...own }, 422);
      await owner.send('Confirm', { 'Checksum on the sheet of Ann': checksum, ...own });
      await owner.send('End the escrow', { 'Your password': 'not this one at all' }, 422);
      await owner.send('End the escrow', own);
      await owner.send('Make a new recovery kit', { 'Your password': 'not this one at all' }, 422);
      await owner.send('Make a new recovery kit', own);
      practice.recovery = (await owner.wordsOf('.sheet .code code')).join('');
      await owner.follow('Recovery kit and escrow');
      await owner.send('Make an escrow', escrow);
      shares = await owner.page.locator('.sheet .code').evaluateAll(
        (all) => all.map((one) => [...one.querySelectorAll('code')].map((line) => line.innerText).join('\n')));
    },
    'who signed out shows nothing more': async () => {
      await owner.open(`/p/${practice.name}/submissions`);
      await owner.page.locator('tbody tr', { hasText: 'intake' }).getByRole('link').click();
      await owner.reads(kCanary);
      await owner.send('Sign out');
      await owner.back(401);
      expect(!(await owner.page.content()).includes(kCanary), 'a form is shown after sign-out');
      await owner.leave();
    },
    'lost passwords: shares of the escrow, then the recovery kit, open the practice': async () => {
      const rescuer = await Person.arrive(scene, size);
      const password = { 'New password': kLaterPassword, 'New password again': kLaterPassword };
      const who = { Practice: practice.name, 'Sign-in name of the owner, or a new one': 'harriet', ...password };
      await rescuer.open('/sign-in');
      await rescuer.follow("Every owner's password is lost");
      await rescuer.send('Set the password', { ...who, 'Recovery code': 'wrong' }, 422);
      await rescuer.send('Set the password', { ...who, 'Recovery code': practice.recovery });
      await rescuer.open('/recover');
      await rescuer.follow('Use shares of an escrow instead');
      const two = { 'Share, field 1: its six lines': shares[0], 'Share, field 2: its six lines': shares[2] };
      await rescuer.send('Set the password', { ...who, ...two, 'Share, field 2: its six lines': shares[0] }, 422);
      await rescuer.send('Set the password', { ...who, ...two });
      await rescuer.follow('Sign in');
      await signIn(rescuer, practice, 'harriet', kLaterPassword);
      await rescuer.leave();
    },
  };
}
