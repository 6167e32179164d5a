// The pages in French.

import type { Texts } from './en.ts';

export const fr: Texts = {
  language: 'fr',
  product: 'Courrier sur {hostname}',
  backToAccount: 'Retour au compte',
  signIn: 'Se connecter',
  signOut: 'Se déconnecter',

  invitationTitle: 'Choisissez votre mot de passe',
  invitationIntro:
    'Voici votre boîte aux lettres : {address}. Choisissez un mot de passe connu de vous seul.',
  newPassword: 'Nouveau mot de passe',
  repeatPassword: 'Répétez le nouveau mot de passe',
  passwordRule:
    'Au moins 8 caractères. Plusieurs mots sans rapport font un bon mot de passe. Les mots de passe courants sont refusés.',
  setPassword: 'Enregistrer le mot de passe',
  readyTitle: 'Votre boîte aux lettres est prête',
  readyIntro: 'Le mot de passe de {address} est enregistré. Ce lien ne fonctionne plus.',

  settingsTitle: 'Configurer un logiciel de messagerie',
  settingsIntro:
    'La plupart des logiciels trouvent ces réglages à partir de l’adresse et du mot de passe.',
  settingService: 'Service',
  settingServer: 'Serveur',
  settingPort: 'Port',
  settingSecurity: 'Sécurité',
  settingReceive: 'Réception (IMAP)',
  settingReceivePop: 'Réception (POP3)',
  settingSend: 'Envoi (SMTP)',
  userName: 'Nom d’utilisateur : {address}',
  profile: 'Configurer un iPhone, un iPad ou un Mac',
  profileIntro:
    'Scannez le code avec l’appareil, ou ouvrez le lien sur celui-ci, puis installez le profil dans les réglages.',

  signInTitle: 'Connexion à votre compte',
  address: 'Adresse de courrier',
  password: 'Mot de passe',
  signedOut: 'Vous êtes déconnecté.',

  accountTitle: 'Votre compte',
  accountIntro: 'Boîte aux lettres : {address}',
  changeTitle: 'Changer le mot de passe',
  currentPassword: 'Mot de passe actuel',
  changePassword: 'Changer le mot de passe',
  passwordChanged:
    'Le mot de passe est changé. Les logiciels de messagerie et les autres appareils doivent se reconnecter.',
  everywhereTitle: 'Se déconnecter partout',
  everywhereIntro:
    'Termine toutes les sessions de ces pages et les connexions ouvertes des logiciels de messagerie. Un logiciel qui a enregistré le mot de passe se reconnecte : changez le mot de passe pour l’exclure.',
  everywhere: 'Se déconnecter partout',

  appTitle: 'Mots de passe d’application',
  appIntro:
    'Un mot de passe propre à chaque appareil ou logiciel : il peut être révoqué sans toucher aux autres.',
  appName: 'Nom, par exemple « téléphone »',
  appUse: 'Il peut',
  appUseAll: 'recevoir et envoyer du courrier',
  appUseRead: 'seulement recevoir du courrier',
  appUseSend: 'seulement envoyer du courrier',
  appAdd: 'Créer un mot de passe d’application',
  appRevoke: 'Révoquer',
  appRevoked: 'Le mot de passe d’application est révoqué et ses connexions sont fermées.',
  appCreated: 'créé le {date}',
  appUsed: 'utilisé le {date} depuis {from} ({protocol})',
  appUnused: 'jamais utilisé',
  appNewTitle: 'Votre nouveau mot de passe d’application',
  appNew: 'Saisissez-le dans le logiciel « {name} ». Il n’est affiché que cette fois.',
  appRequired:
    'Les logiciels de messagerie ont besoin d’un mot de passe d’application. Le mot de passe de la boîte n’ouvre que ces pages.',
  appNotRequired: 'Les logiciels de messagerie peuvent aussi utiliser le mot de passe de la boîte.',
  appRequire: 'N’accepter que les mots de passe d’application',
  appRelease: 'Accepter de nouveau le mot de passe de la boîte',
  lastUse:
    'Dernière utilisation dans un logiciel de messagerie : {date} depuis {from} ({protocol})',

  problemDiffer: 'Les deux mots de passe sont différents.',
  problemUnfit: 'Ce mot de passe est trop court ou trop courant. Choisissez-en un autre.',
  problemLogin: 'L’adresse ou le mot de passe est incorrect.',
  problemCurrent: 'Le mot de passe actuel est incorrect.',
  problemName:
    'Ce nom est vide, trop long ou déjà pris, ou il y a trop de mots de passe d’application.',

  linkTitle: 'Ce lien n’est pas valable',
  link: 'Il a déjà servi, date de plus de deux jours, ou un lien plus récent le remplace. Demandez un nouveau lien à votre administrateur.',
  sessionTitle: 'Vous n’êtes pas connecté',
  session: 'Votre session est terminée. Connectez-vous de nouveau.',
  laterTitle: 'Trop de tentatives',
  later: 'Trop de tentatives ont échoué. Réessayez plus tard.',
  busyTitle: 'Le serveur est occupé',
  busy: 'Rien n’a été modifié. Réessayez dans une minute.',
  awayTitle: 'Le serveur redémarre',
  away: 'Ces pages ne peuvent pas joindre le serveur de courrier pour le moment. Rien n’a été modifié. Réessayez dans une minute.',
  failedTitle: 'Une erreur s’est produite',
  failed: 'Le serveur n’a pas pu répondre. Son administrateur trouve la raison dans le journal.',
  malformedTitle: 'La requête n’est pas valable',
  malformed:
    'Le formulaire était incomplet ou n’a pas été envoyé par cette page. Ouvrez la page de nouveau.',
  missingTitle: 'Cette page n’existe pas',
  missing: 'L’adresse est peut-être mal écrite.',
  foreignTitle: 'Ce nom n’est pas celui de ce serveur',
  foreign: 'Ce serveur ne répond pas sous ce nom.',
};
