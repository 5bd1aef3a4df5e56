// A patient's way: from the start page to a form that the practice has, with a mistake on the way.
import { Person } from '../lib/person.js';

export const kCanary = 'a knee that clicks on the stairs';

async function phq9(person) {
  const questions = await person.wordsOf('fieldset.question > legend');
  for (const [index, question] of questions.slice(0, -1).entries()) {
    await person.choose(question, index === 0 ? 'More than half the days' : 'Not at all');
  }
  await person.choose(questions.at(-1), 'Somewhat difficult');
}

async function intake(person) {
  await person.choose('How may we reach you? (optional)', 'By post');
  await person.choose('Where does it hurt or feel limited? Choose all that apply.', 'Knee');
  await person.choose('Where does it hurt or feel limited? Choose all that apply.', 'Somewhere else');
  await person.choose('How strong is the pain today?', '7');
  await person.choose('Have you had surgery for this problem?', 'Yes');
  await person.choose('I agree that the practice uses these answers to plan my treatment.', 'Yes');
}

const kIntakeFields = {
  'Your full name': 'Zoë Ångström <b>"Z"</b>',
  'Your date of birth': '1980-02-29',
  'Telephone number (optional)': '+49 30 1234567',
  'E-mail address (optional)': 'zoe@clinic.example',
  'Why are you coming to us?': kCanary,
  'Where exactly?': 'The left hip',
  'When did it start? (optional)': '2026-01-31',
  'What makes it worse? (optional)': 'Stairs\nand hills',
  'What makes it better? (optional)': 'Rest',
  'Which surgery, and when?': 'Meniscus, 2019',
  'Which medicines do you take? (optional)': 'None',
  'Do you have allergies? Which? (optional)': 'Pollen',
  'About how many hours a week do you move actively? (optional)': '3.5',
  'What would you like to be able to do again?': 'Climb',
  'How many visits have you had elsewhere for this problem? (optional)': '2',
};

export function patientSteps(scene, size, practice) {
  let person;
  return {
    'the start page leads to the forms of a practice': async () => {
      person = await Person.arrive(scene, size);
      await person.open('/');
      await person.follow(practice.title);
    },
    'a form of choices is sent and received': async () => {
      await person.follow('Patient Health Questionnaire (PHQ-9)');
      await phq9(person);
      await person.send('Send to the practice', {}, 200, true); // twice in a hurry: the staff's list has it once
      await person.reads('Your form was received');
      await person.reload();
      await person.reads('Your form was received');
      await person.back();
      await person.open(`/p/${practice.name}`);
    },
    'a form with gaps comes back with every answer and says where they are': async () => {
      await person.follow(/Physical therapy/);
      await person.send('Send to the practice', { 'Why are you coming to us?': kCanary }, 422);
      await person.reads('There is a problem');
      await person.page.getByRole('alert').getByRole('link').first().click();
      const first = person.page.getByLabel('Your full name', { exact: true });
      if (!await first.evaluate((one) => one === document.activeElement)) {
        throw new Error('the first problem does not lead to its field');
      }
      if (await person.page.getByLabel('Why are you coming to us?', { exact: true }).inputValue() !== kCanary) {
        throw new Error('an answer was lost with the form that came back');
      }
    },
    'the form that came back is put right, sent and received': async () => {
      await intake(person);
      await person.send('Send to the practice', kIntakeFields);
      await person.reads('Your form was received');
      await person.leave();
    },
    'an address that is not there says so': async () => {
      const lost = await Person.arrive(scene, size);
      await lost.open('/nowhere', 404);
      await lost.follow('Start page');
      await lost.page.goto(scene.node.origin + '/status');
      await lost.leave();
    },
  };
}
