#include "forms/built_in.h"

namespace firedrill::forms {

const char* const kPtIntake = R"json({
  "resourceType": "Questionnaire", "id": "pt-intake",
  "url": "https://firedrill.example/Questionnaire/pt-intake", "version": "1.0.0",
  "name": "PhysicalTherapyIntake", "title": "Physical therapy: before your first visit",
  "status": "active", "subjectType": ["Patient"],
  "description": "Please tell us about yourself and what brings you here. It takes about five minutes.",
  "item": [
    {
      "linkId": "about-you", "text": "About you", "type": "group",
      "item": [
        {"linkId": "name", "text": "Your full name", "type": "string", "required": true, "maxLength": 120},
        {"linkId": "birth-date", "text": "Your date of birth", "type": "date", "required": true},
        {"linkId": "phone", "text": "Telephone number", "type": "string", "maxLength": 40},
        {"linkId": "email", "text": "E-mail address", "type": "string", "maxLength": 254},
        {
          "linkId": "contact-by", "text": "How may we reach you?", "type": "choice", "repeats": true,
          "answerOption": [
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "phone",
                "display": "By telephone"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "email",
                "display": "By e-mail"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "post",
                "display": "By post"
              }
            }
          ]
        }
      ]
    },
    {
      "linkId": "problem", "text": "What brings you here", "type": "group",
      "item": [
        {
          "linkId": "reason", "text": "Why are you coming to us?", "type": "text", "required": true,
          "maxLength": 4000
        },
        {
          "linkId": "body-region", "text": "Where does it hurt or feel limited? Choose all that apply.",
          "type": "choice", "required": true, "repeats": true,
          "answerOption": [
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "neck",
                "display": "Neck"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "shoulder",
                "display": "Shoulder"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "elbow",
                "display": "Elbow"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "wrist-hand",
                "display": "Wrist or hand"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "upper-back",
                "display": "Upper back"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "lower-back",
                "display": "Lower back"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "hip",
                "display": "Hip"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "knee",
                "display": "Knee"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "ankle-foot",
                "display": "Ankle or foot"
              }
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "other",
                "display": "Somewhere else"
              }
            }
          ]
        },
        {
          "linkId": "body-region-other", "text": "Where exactly?", "type": "string", "required": true,
          "maxLength": 200,
          "enableWhen": [
            {
              "question": "body-region", "operator": "=",
              "answerCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "other"}
            }
          ]
        },
        {
          "linkId": "pain", "text": "How strong is the pain today?", "type": "choice", "required": true,
          "answerOption": [
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "0",
                "display": "0 - no pain"
              }
            },
            {
              "valueCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "1", "display": "1"}
            },
            {
              "valueCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "2", "display": "2"}
            },
            {
              "valueCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "3", "display": "3"}
            },
            {
              "valueCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "4", "display": "4"}
            },
            {
              "valueCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "5", "display": "5"}
            },
            {
              "valueCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "6", "display": "6"}
            },
            {
              "valueCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "7", "display": "7"}
            },
            {
              "valueCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "8", "display": "8"}
            },
            {
              "valueCoding": {"system": "https://firedrill.example/CodeSystem/pt-intake", "code": "9", "display": "9"}
            },
            {
              "valueCoding": {
                "system": "https://firedrill.example/CodeSystem/pt-intake", "code": "10",
                "display": "10 - the worst pain imaginable"
              }
            }
          ]
        },
        {"linkId": "started", "text": "When did it start?", "type": "date"},
        {"linkId": "worse", "text": "What makes it worse?", "type": "text", "maxLength": 2000},
        {"linkId": "better", "text": "What makes it better?", "type": "text", "maxLength": 2000}
      ]
    },
    {
      "linkId": "history", "text": "Your health", "type": "group",
      "item": [
        {
          "linkId": "surgery", "text": "Have you had surgery for this problem?", "type": "boolean",
          "required": true
        },
        {
          "linkId": "surgery-details", "text": "Which surgery, and when?", "type": "text",
          "required": true, "maxLength": 2000,
          "enableWhen": [{"question": "surgery", "operator": "=", "answerBoolean": true}]
        },
        {
          "linkId": "medications", "text": "Which medicines do you take?", "type": "text",
          "maxLength": 4000
        },
        {
          "linkId": "allergies", "text": "Do you have allergies? Which?", "type": "text",
          "maxLength": 2000
        },
        {
          "linkId": "hours-active", "text": "About how many hours a week do you move actively?",
          "type": "decimal"
        }
      ]
    },
    {
      "linkId": "plan", "text": "What you want to reach", "type": "group",
      "item": [
        {
          "linkId": "goals", "text": "What would you like to be able to do again?", "type": "text",
          "required": true, "maxLength": 4000
        },
        {
          "linkId": "visits", "text": "How many visits have you had elsewhere for this problem?",
          "type": "integer"
        }
      ]
    },
    {
      "linkId": "agreement", "text": "Agreement", "type": "group",
      "item": [
        {
          "linkId": "agreement-note",
          "text": "What you write here is sealed for this practice. Only the people of the practice can read it.",
          "type": "display"
        },
        {
          "linkId": "consent",
          "text": "I agree that the practice uses these answers to plan my treatment.", "type": "boolean",
          "required": true
        }
      ]
    }
  ]
})json";

}  // namespace firedrill::forms
