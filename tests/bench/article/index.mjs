// The article's function, on Node.js 20 and the AWS SDK v3. Nothing else of it is changed: it reads the first record
// only, and leaves its writes to themselves. Lambda bills a function with a callback until its event loop is empty.
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocument } from "@aws-sdk/lib-dynamodb";

console.log("Loading function");

const dynamo = DynamoDBDocument.from(new DynamoDBClient({}));
const tableName = "mailing";

export const handler = (event, context, callback) => {
  const message = JSON.parse(event.Records[0].Sns.Message);

  switch (message.notificationType) {
    case "Bounce":
      handleBounce(message);
      break;
    case "Complaint":
      handleComplaint(message);
      break;
    case "Delivery":
      handleDelivery(message);
      break;
    default:
      callback("Unknown notification type: " + message.notificationType);
  }
};

function handleBounce(message) {
  const messageId = message.mail.messageId;
  const addresses = message.bounce.bouncedRecipients.map((recipient) => recipient.emailAddress);
  const bounceType = message.bounce.bounceType;

  console.log("Message " + messageId + " bounced when sending to " + addresses.join(", ") + ". Bounce type: " + bounceType);

  for (let i = 0; i < addresses.length; i++) {
    writeDDB(addresses[i], message, tableName, "disable");
  }
}

function handleComplaint(message) {
  const messageId = message.mail.messageId;
  const addresses = message.complaint.complainedRecipients.map((recipient) => recipient.emailAddress);

  console.log("A complaint was reported by " + addresses.join(", ") + " for message " + messageId + ".");

  for (let i = 0; i < addresses.length; i++) {
    writeDDB(addresses[i], message, tableName, "disable");
  }
}

function handleDelivery(message) {
  const messageId = message.mail.messageId;
  const deliveryTimestamp = message.delivery.timestamp;
  const addresses = message.delivery.recipients;

  console.log("Message " + messageId + " was delivered successfully at " + deliveryTimestamp + ".");

  for (let i = 0; i < addresses.length; i++) {
    writeDDB(addresses[i], message, tableName, "enable");
  }
}

function writeDDB(id, payload, tableName, status) {
  const item = {
    UserId: id,
    notificationType: payload.notificationType,
    from: payload.mail.source,
    timestamp: payload.mail.timestamp,
    state: status,
  };
  const params = {
    TableName: tableName,
    Item: item,
  };
  dynamo.put(params, function (err, data) {
    if (err) console.log(err);
    else console.log(data);
  });
}
