#include "forms/built_in.h"

namespace firedrill::forms {

const char* const kPhq9 = R"json({
  "resourceType": "Questionnaire", "id": "phq-9", "url": "https://firedrill.example/Questionnaire/phq-9",
  "version": "1.0.0", "name": "PHQ9", "title": "Patient Health Questionnaire (PHQ-9)", "status": "active",
  "subjectType": ["Patient"],
  "description": "Over the last 2 weeks, how often have you been bothered by any of the following problems?",
  "copyright": "Developed by Drs. Robert L. Spitzer, Janet B.W. Williams, Kurt Kroenke and colleagues, with an educational grant from Pfizer Inc. No permission required to reproduce, translate, display or distribute.",
  "code": [
    {
      "system": "http://loinc.org", "code": "44249-1",
      "display": "PHQ-9 quick depression assessment panel"
    }
  ],
  "item": [
    {
      "linkId": "problems",
      "text": "Over the last 2 weeks, how often have you been bothered by any of the following problems?",
      "type": "group",
      "item": [
        {
          "linkId": "q1", "code": [{"system": "http://loinc.org", "code": "44250-9"}],
          "text": "Little interest or pleasure in doing things", "type": "choice", "required": true,
          "answerOption": [
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5", "display": "Not at all"}},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}},
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days"}
            },
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6571-9", "display": "Nearly every day"}
            }
          ]
        },
        {
          "linkId": "q2", "code": [{"system": "http://loinc.org", "code": "44255-8"}],
          "text": "Feeling down, depressed, or hopeless", "type": "choice", "required": true,
          "answerOption": [
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5", "display": "Not at all"}},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}},
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days"}
            },
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6571-9", "display": "Nearly every day"}
            }
          ]
        },
        {
          "linkId": "q3", "code": [{"system": "http://loinc.org", "code": "44259-0"}],
          "text": "Trouble falling or staying asleep, or sleeping too much", "type": "choice",
          "required": true,
          "answerOption": [
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5", "display": "Not at all"}},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}},
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days"}
            },
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6571-9", "display": "Nearly every day"}
            }
          ]
        },
        {
          "linkId": "q4", "code": [{"system": "http://loinc.org", "code": "44254-1"}],
          "text": "Feeling tired or having little energy", "type": "choice", "required": true,
          "answerOption": [
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5", "display": "Not at all"}},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}},
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days"}
            },
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6571-9", "display": "Nearly every day"}
            }
          ]
        },
        {
          "linkId": "q5", "code": [{"system": "http://loinc.org", "code": "44251-7"}],
          "text": "Poor appetite or overeating", "type": "choice", "required": true,
          "answerOption": [
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5", "display": "Not at all"}},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}},
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days"}
            },
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6571-9", "display": "Nearly every day"}
            }
          ]
        },
        {
          "linkId": "q6", "code": [{"system": "http://loinc.org", "code": "44258-2"}],
          "text": "Feeling bad about yourself - or that you are a failure or have let yourself or your family down",
          "type": "choice", "required": true,
          "answerOption": [
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5", "display": "Not at all"}},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}},
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days"}
            },
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6571-9", "display": "Nearly every day"}
            }
          ]
        },
        {
          "linkId": "q7", "code": [{"system": "http://loinc.org", "code": "44252-5"}],
          "text": "Trouble concentrating on things, such as reading the newspaper or watching television",
          "type": "choice", "required": true,
          "answerOption": [
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5", "display": "Not at all"}},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}},
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days"}
            },
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6571-9", "display": "Nearly every day"}
            }
          ]
        },
        {
          "linkId": "q8", "code": [{"system": "http://loinc.org", "code": "44253-3"}],
          "text": "Moving or speaking so slowly that other people could have noticed? Or the opposite - being so fidgety or restless that you have been moving around a lot more than usual",
          "type": "choice", "required": true,
          "answerOption": [
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5", "display": "Not at all"}},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}},
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days"}
            },
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6571-9", "display": "Nearly every day"}
            }
          ]
        },
        {
          "linkId": "q9", "code": [{"system": "http://loinc.org", "code": "44260-8"}],
          "text": "Thoughts that you would be better off dead or of hurting yourself in some way",
          "type": "choice", "required": true,
          "answerOption": [
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6568-5", "display": "Not at all"}},
            {"valueCoding": {"system": "http://loinc.org", "code": "LA6569-3", "display": "Several days"}},
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6570-1", "display": "More than half the days"}
            },
            {
              "valueCoding": {"system": "http://loinc.org", "code": "LA6571-9", "display": "Nearly every day"}
            }
          ]
        }
      ]
    },
    {
      "linkId": "difficulty", "code": [{"system": "http://loinc.org", "code": "69722-7"}],
      "text": "If you checked off any problems, how difficult have these problems made it for you to do your work, take care of things at home, or get along with other people?",
      "type": "choice",
      "enableWhen": [
        {
          "question": "q1", "operator": "!=",
          "answerCoding": {"system": "http://loinc.org", "code": "LA6568-5"}
        },
        {
          "question": "q2", "operator": "!=",
          "answerCoding": {"system": "http://loinc.org", "code": "LA6568-5"}
        },
        {
          "question": "q3", "operator": "!=",
          "answerCoding": {"system": "http://loinc.org", "code": "LA6568-5"}
        },
        {
          "question": "q4", "operator": "!=",
          "answerCoding": {"system": "http://loinc.org", "code": "LA6568-5"}
        },
        {
          "question": "q5", "operator": "!=",
          "answerCoding": {"system": "http://loinc.org", "code": "LA6568-5"}
        },
        {
          "question": "q6", "operator": "!=",
          "answerCoding": {"system": "http://loinc.org", "code": "LA6568-5"}
        },
        {
          "question": "q7", "operator": "!=",
          "answerCoding": {"system": "http://loinc.org", "code": "LA6568-5"}
        },
        {
          "question": "q8", "operator": "!=",
          "answerCoding": {"system": "http://loinc.org", "code": "LA6568-5"}
        },
        {
          "question": "q9", "operator": "!=",
          "answerCoding": {"system": "http://loinc.org", "code": "LA6568-5"}
        }
      ],
      "enableBehavior": "any",
      "answerOption": [
        {
          "valueCoding": {"system": "http://loinc.org", "code": "LA6572-7", "display": "Not difficult at all"}
        },
        {
          "valueCoding": {"system": "http://loinc.org", "code": "LA6573-5", "display": "Somewhat difficult"}
        },
        {"valueCoding": {"system": "http://loinc.org", "code": "LA6575-0", "display": "Very difficult"}},
        {
          "valueCoding": {"system": "http://loinc.org", "code": "LA6574-3", "display": "Extremely difficult"}
        }
      ]
    }
  ]
})json";

}  // namespace firedrill::forms
